"""Numbers as bins: between percentiles of training, with one of its own for each value that is frequent or missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
PERCENTILES = np.linspace(0, 1, 101)
MOST = 1 << 17
"""Training values that percentiles are taken of; of more, evenly spaced ones."""


def edges(train_N: npt.NDArray[Any]) -> Singles:
    """Where bins begin, ascending. Every percentile is one value alone: any that has 1 % of the rows is among them."""
    value_K = np.asarray(train_N[:: len(train_N) // MOST + 1], np.float32)
    value_K = value_K[~np.isnan(value_K)]
    if not len(value_K):
        return np.empty(0, np.float32)
    cut_P = np.unique(np.quantile(value_K, PERCENTILES, method="inverted_cdf"))
    return np.unique(np.concatenate([cut_P, np.nextafter(cut_P, np.float32(np.inf))]))
