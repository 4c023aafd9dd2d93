"""Random numbers by counter: each is a hash of a key and a number, so order, chunks and threads cannot matter.

A key names a stream (seed and purpose); the draw for counter i is the i-th output of SplitMix64 started at that key
(Steele, Lea and Flood 2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtri

from harness import seeds

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)

BITS = 10
PER_DRAW = 6
"""Normals that one 64-bit draw holds."""


def key(seed: int, *names: str | int) -> np.uint64:
    """The key of the stream called `names`; adding a stream never moves another."""
    return np.uint64(seeds.sequence(seed, "synthetic", *names).generate_state(1, np.uint64)[0])


def quantiles() -> npt.NDArray[np.float32]:
    """A standard normal in 2**10 steps of equal probability, float32 [1024], variance exactly one."""
    z = ndtri((np.arange(1 << BITS) + 0.5) / (1 << BITS))
    return np.asarray(z / z.std(), np.float32)


@njit(cache=True, nogil=True, inline="always")
def mix(x: Any) -> Any:
    """SplitMix64's finaliser: a bijection of uint64."""
    x = (x ^ (x >> _S30)) * _A
    x = (x ^ (x >> _S27)) * _B
    return x ^ (x >> _S31)


@njit(cache=True, nogil=True, inline="always")
def draw(key: Any, counter: Any) -> Any:
    """uint64 draw number `counter` of the stream `key`."""
    return mix(key + (np.uint64(counter) + np.uint64(1)) * GAMMA)


@njit(cache=True, nogil=True, inline="always")
def uniform(bits: Any) -> Any:
    """float64 in [0, 1) with 53 random bits."""
    return np.float64(bits >> _S11) * (1.0 / 9007199254740992.0)
