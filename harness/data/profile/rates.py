"""Base rates of labels by period, with their intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.periods import BLOCK, Cut, blocks
from harness.data.validation import SPLITS
from harness.results.description import RateInTime, Values

Floats = npt.NDArray[np.float64]
Z = 1.959963984540054
"""Standard errors of a 95 % interval."""


def rates(data: IndexedDataset, cut: Cut) -> tuple[RateInTime, ...]:
    """Of known labels, in all splits; rows count by their weights, and as many as they stand for in the full log."""
    sums = np.zeros((len(data.tasks), 3, len(cut)))
    for part in SPLITS:
        split = data.split(part)
        for rows in blocks(len(split), BLOCK):
            period_N, block = cut.of(data, part, rows), split.take(rows)
            for t in range(len(data.tasks)):
                known = block.known(t)
                weight_N = np.ones(len(block)) if block.weight_N is None else block.weight_N.astype(np.float64)
                weight_K, period_K = weight_N[known], period_N[known]
                for i, each_K in enumerate((weight_K, weight_K**2, weight_K * block.labels_NT[known, t])):
                    sums[t, i] += np.bincount(period_K, each_K, len(cut))
        split.release()
    return tuple(_rate(data, name, *sums[t]) for t, name in enumerate(data.tasks))


def wilson(rate_P: Floats, rows_P: Floats) -> tuple[Floats, Floats]:
    """The 95 % interval of a share of so many rows (Wilson 1927)."""
    middle_P = (rate_P + Z**2 / (2 * rows_P)) / (1 + Z**2 / rows_P)
    reach_P = Z / (1 + Z**2 / rows_P) * np.sqrt(rate_P * (1 - rate_P) / rows_P + Z**2 / (4 * rows_P**2))
    return np.maximum(middle_P - reach_P, 0), np.minimum(middle_P + reach_P, 1)


def _rate(data: IndexedDataset, name: str, weight_P: Floats, squares_P: Floats, ones_P: Floats) -> RateInTime:
    """squares_P: of weights, by which their sum is worth so many equal rows (Kish 1965)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate_P, rows_P = ones_P / weight_P, weight_P**2 / squares_P
        found = [rate_P, *wilson(rate_P, rows_P)]
        kept = data.kept.get(name)
        if kept is not None:
            zero, one = kept.stands_for(np.array([0, 1])).tolist()
            found = [one * each_P / (one * each_P + zero * (1 - each_P)) for each_P in found]
    return RateInTime(name, *map(_values, found))


def _values(value_P: Floats) -> Values:
    return tuple(None if np.isnan(value) else round(float(value), 6) for value in value_P)
