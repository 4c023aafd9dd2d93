"""How far a distribution is from an earlier one: the Jensen-Shannon divergence, less what chance alone makes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import jensenshannon

from harness.base import seeds

Ints = npt.NDArray[np.int64]
DRAWS = 8
MOST_ROWS = 10**9
"""Beyond these chance makes nothing that shows, and numpy draws no more."""


def divergence(first_B: Ints, later_B: Ints) -> float:
    """Bits, 0 (the same) to 1 (nothing in common), between the shares of two columns of counts (Lin 1991).

    Two samples of one distribution differ too, the more the smaller they are and the more bins there are. What is taken
    off is the mean divergence of both samples dealt out anew, a permutation test's null; less than nothing is 0.
    """
    plain = float(jensenshannon(first_B, later_B, base=2) ** 2)
    together_B, rows = first_B + later_B, int(first_B.sum())
    if together_B.sum() >= MOST_ROWS:
        return plain
    rng = seeds.generator(0, "drift")
    dealt_DB = rng.multivariate_hypergeometric(together_B, rows, size=DRAWS, method="marginals")
    chance = float((jensenshannon(dealt_DB, together_B - dealt_DB, base=2, axis=1) ** 2).mean())
    return max(0.0, plain - chance)


def drift(counts_PB: Ints) -> tuple[float | None, ...]:
    """Of each period from the first ones: as many as hold an average period's rows, for which there is none."""
    rows_P = counts_PB.sum(axis=1)
    filled = rows_P[rows_P > 0]
    if not len(filled):
        return (None,) * len(rows_P)
    first = int(np.searchsorted(np.cumsum(rows_P), filled.mean() * (1 - 1e-9))) + 1
    reference_B = counts_PB[:first].sum(axis=0)
    later = (divergence(reference_B, count_B) if count_B.any() else None for count_B in counts_PB[first:])
    return (*((None,) * first), *later)
