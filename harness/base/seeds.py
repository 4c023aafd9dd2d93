"""Named random streams. Each depends on the root seed and its own name alone, so a new one never changes another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    """The entropy of the stream called `names` under the root `seed`."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.SeedSequence([seed, *np.frombuffer(digest, np.uint32).tolist()])


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy stream."""
    return np.random.Generator(np.random.PCG64(sequence(seed, *names)))


def torch_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for a torch generator."""
    return int(sequence(seed, *names).generate_state(1, np.uint64)[0] >> np.uint64(1))


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """A torch stream on the CPU."""
    import torch

    return torch.Generator().manual_seed(torch_seed(seed, *names))
