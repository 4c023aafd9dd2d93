"""How much one column tells of another: mutual information, less what chance alone makes, as a share of the most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
DENSE = 1 << 20
"""Pairs of values that are counted in an array; more are sorted."""
FEW_ROWS = 200
"""Rows' worth of information that chance leaves open, below which nothing can be told."""


def entropy(code_N: Codes, values: int) -> float:
    """In nats, of codes 0 .. values - 1, by their counts alone."""
    if values <= max(DENSE, 4 * len(code_N)):
        count_V = np.bincount(code_N, minlength=1)
    else:
        order_N = np.sort(code_N)
        count_V = np.diff(np.flatnonzero(np.concatenate([[True], order_N[1:] != order_N[:-1], [True]])))
    count_U = count_V[count_V > 1].astype(np.float64)
    return float(np.log(len(code_N)) - count_U @ np.log(count_U) / len(code_N))


def mutual_information(a_N: Codes, b_N: Codes, a: int, b: int) -> float:
    """In nats, of two columns of codes 0 .. a - 1 and 0 .. b - 1, by their counts alone."""
    return entropy(a_N, a) + entropy(b_N, b) - entropy(a_N * np.int64(b) + b_N, a * b)


def dependence(a_N: Codes, b_N: Codes, dealt_N: Codes) -> float | None:
    """0: independent; 1: one of the two tells the other. None: too little returns to tell.

    The adjusted mutual information of Vinh, Epps and Bailey (2010) over the smaller entropy: (I - E) / (min H - E). Ids
    that hardly return tell everything by counts alone, which is no dependence: E is what they tell of the same values
    dealt out anew. dealt_N: a permutation of the rows.
    """
    if not len(a_N):
        return None
    a, b = int(a_N.max()) + 1, int(b_N.max()) + 1
    most = min(entropy(a_N, a), entropy(b_N, b))
    chance = mutual_information(a_N, b_N[dealt_N], a, b)
    if most <= 0 or (most - chance) / most * len(a_N) < FEW_ROWS:
        return None
    return float(np.clip((mutual_information(a_N, b_N, a, b) - chance) / (most - chance), 0, 1))
