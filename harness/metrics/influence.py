"""How much each example moves a metric, from which the metric's error over test sets is worked out.

The influence of an example is the derivative of the metric in that example's weight, times that weight. The variance of
the metric over test sets of independent examples is the sum of squares (the infinitesimal jackknife; of AUC it is the
estimate of DeLong, DeLong and Clarke-Pearson 1988). Where examples of a group depend on each other, it is the sum over
groups of the squared sum within the group (Obuchowski 1997). The influence of a difference is the difference of
influences, so that arms tested on the same rows are compared as pairs.

Influences are larger than that by what few examples or groups call for: by n / (n - 1) in the sum of squares, and by
what Student's t with n - 1 degrees of freedom has over the normal law, as whoever reads the sum takes it as known. Of
one nothing is known, and they are nan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import entr, ndtri, stdtrit

from harness.metrics.classification import Floats, Predictions, Target

Array = npt.NDArray[Any]
END = 0.975
"""Where an interval ends, as a share of the law that its error has."""


def influences(
    target: Target, logit_N: Array, defined: Collection[str], group_N: Array | None = None
) -> dict[str, Floats]:
    """Metric -> influence of each example, or of each group in the order of their ids.

    defined: the metrics that have a value here. group_N: of examples that depend on each other; None: all are
    independent.
    """
    predictions = Predictions(target, logit_N)
    unit_N = np.arange(len(logit_N)) if group_N is None else np.unique(group_N, return_inverse=True)[1]
    found = {name: function(predictions, unit_N) for name, function in INFLUENCES.items() if name in defined}
    return {name: np.bincount(unit_N, value_N).astype(np.float64) for name, value_N in found.items()}


def _of_auc(p: Predictions, label_N: Floats, unit_N: Array) -> Floats:
    """DeLong's: how far the share of the other class that an example beats lies from the AUC, for both its parts."""
    weight_N = np.ones(len(label_N)) if p.target.weight is None else p.target.weight
    up_N, down_N = weight_N * label_N, weight_N * (1 - label_N)
    tie_N = p.ranking.tie_N
    up_S, down_S = np.bincount(tie_N, up_N), np.bincount(tie_N, down_N)
    up, down = up_S.sum(), down_S.sum()
    below_N = ((np.cumsum(down_S) - down_S / 2) / down)[tie_N]
    above_N = (1 - (np.cumsum(up_S) - up_S / 2) / up)[tie_N]
    auc = up_N @ below_N / up
    of_up, of_down = (_widened(unit_N[part_N > 0]) / part_N.sum() for part_N in (up_N, down_N))
    return np.asarray(up_N * (below_N - auc) * of_up + down_N * (above_N - auc) * of_down)


def _of_mean(p: Predictions, value_N: Floats, unit_N: Array) -> Floats:
    weight_N = np.ones(len(value_N)) if p.target.weight is None else p.target.weight
    return np.asarray(weight_N * (value_N - p.target.mean(value_N)) * _widened(unit_N) / weight_N.sum())


def _widened(unit_N: Array) -> float:
    """By what the influence of each of these examples is larger than its derivative. unit_N: which of those that are
    independent each is of."""
    n = np.count_nonzero(np.bincount(unit_N))
    return float(np.sqrt(n / (n - 1)) * stdtrit(n - 1, END) / ndtri(END)) if n > 1 else np.nan


def _truth(p: Predictions) -> Floats:
    assert p.target.truth is not None
    return p.target.truth


def _losses(p: Predictions, label_N: Floats) -> Floats:
    return np.asarray(np.logaddexp(0.0, p.logit) - label_N * p.logit)


INFLUENCES: dict[str, Callable[[Predictions, Array], Floats]] = {
    "auc": lambda p, unit_N: _of_auc(p, p.target.label, unit_N),
    "truth_auc": lambda p, unit_N: _of_auc(p, _truth(p), unit_N),
    "logloss": lambda p, unit_N: _of_mean(p, _losses(p, p.target.label), unit_N),
    "brier": lambda p, unit_N: _of_mean(p, np.square(p.probability - p.target.label), unit_N),
    "regret": lambda p, unit_N: _of_mean(p, _losses(p, _truth(p)) - entr(_truth(p)) - entr(1 - _truth(p)), unit_N),
}
"""Metric -> influence of each example; every metric that published numbers hold."""
