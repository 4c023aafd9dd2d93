"""Random numbers by counter: each is a hash of a key and a number, so order, chunks and threads cannot matter.

A key names a stream (seed and purpose); the draw for counter i is the i-th output of SplitMix64 started at that key
(Steele, Lea and Flood 2014).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from harness.base import seeds
from harness.data.synthetic.kernel import BITS


def key(seed: int, *names: str | int) -> np.uint64:
    """The key of the stream called `names`; adding a stream never moves another."""
    return np.uint64(seeds.sequence(seed, "synthetic", *names).generate_state(1, np.uint64)[0])


def keys(seed: int, part: str, names: Iterable[str]) -> npt.NDArray[np.uint64]:
    """The key of this stream of each name."""
    return np.array([key(seed, part, name) for name in names], np.uint64)


def quantiles() -> npt.NDArray[np.float32]:
    """A standard normal in 2**10 steps of equal probability, float32 [1024], variance exactly one."""
    z = ndtri((np.arange(1 << BITS) + 0.5) / (1 << BITS))
    return np.asarray(z / z.std(), np.float32)
