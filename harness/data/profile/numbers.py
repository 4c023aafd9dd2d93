"""Numbers as bins between quantiles of training, with one of their own for what is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset

QUANTILES, ROWS = 16, 1 << 18
"""Bins at most; rows that are read for them, evenly spread."""


def edges(data: IndexedDataset, p: int) -> npt.NDArray[np.float64]:
    """Between the bins of a field of numbers."""
    number_NP = data.train.numbers_NP
    assert number_NP is not None
    value_N = np.asarray(number_NP[:: len(number_NP) // ROWS + 1, p], np.float64)
    value_K = value_N[~np.isnan(value_N)]
    if not len(value_K):
        return np.empty(0)
    return np.unique(np.quantile(value_K, np.linspace(0, 1, QUANTILES + 1)[1:-1]))
