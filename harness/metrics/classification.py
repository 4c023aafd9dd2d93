"""Pure functions of arrays: how good N predicted logits are, in float64 and over the whole split at once.

Every mean, sum and count is one of weights where examples have any.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import entr, expit

from harness.metrics.catalog import BUCKETS, METRICS, Needs
from harness.metrics.ranking import Groups, Ranking, rank_metrics

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


class Target:
    """The labels of one task in one set of N examples, and all that is the same for every model evaluated on them.

    Called with logits it gives every metric of the catalogue that is defined there. What is undefined is left out: a
    metric whose needs the examples do not meet, and the oracle share where the truth itself ranks no better than
    chance, as it may in a bucket of a few rows. Logits that are not finite have no metric but a logloss of nan.
    """

    def __init__(
        self,
        label_N: Array,
        truth_N: Array | None = None,
        group_N: Array | None = None,
        weight_N: Array | None = None,
        shift: float = 0.0,
    ) -> None:
        """label_N: 0 or 1. truth_N: the probability that generated each. group_N: of each example, for GAUC.

        weight_N: above 0, of each example; equal ones are no weights. shift: added to every logit, which no rank sees.
        """
        self.label, self.shift = label_N.astype(np.float64), shift
        varies = weight_N is not None and weight_N.min() < weight_N.max()
        self.weight = weight_N.astype(np.float64) if weight_N is not None and varies else None
        self.base = self.mean(self.label)
        self.truth = None if truth_N is None else truth_N.astype(np.float64)
        self.truth_entropy = 0.0 if self.truth is None else self.mean(entr(self.truth) + entr(1 - self.truth))
        both_classes = 0 < self.base < 1
        self.oracle = 0.5
        if self.truth is not None and both_classes:
            self.oracle = rank_metrics(self.truth, self.label, self.weight)[0]
        self.groups = None if group_N is None else Groups(self.label, group_N, self.weight)
        met = {
            Needs.LABELS: True,
            Needs.POSITIVES: self.base > 0,
            Needs.BOTH_CLASSES: both_classes,
            Needs.TRUTH: self.truth is not None,
            Needs.GROUPS: self.groups is not None,
        }
        self._metrics = [name for name, info in METRICS.items() if met[info.needs]]

    def mean(self, value_N: Array) -> float:
        """The mean over the examples, by their weights."""
        return float(np.mean(value_N) if self.weight is None else np.sum(value_N * self.weight) / self.weight.sum())

    def __call__(self, logit_N: Array) -> dict[str, float]:
        if not np.isfinite(logit_N).all():
            return {"logloss": math.nan}
        predictions = Predictions(self, logit_N)
        found = {name: FUNCTIONS[name](predictions) for name in self._metrics}
        return {name: float(value) for name, value in found.items() if value is not None}


class Predictions:
    """N logits beside their target, with what several metrics share computed once."""

    def __init__(self, target: Target, logit_N: Array) -> None:
        self.target, self.score = target, logit_N
        self.logit = logit_N.astype(np.float64) + target.shift

    @cached_property
    def probability(self) -> Floats:
        return np.asarray(expit(self.logit))

    @cached_property
    def mean_softplus(self) -> float:
        return self.target.mean(np.logaddexp(0.0, self.logit))

    @cached_property
    def ranking(self) -> Ranking:
        return Ranking(self.score)

    @cached_property
    def ranks(self) -> tuple[float, float]:
        """AUC and PR-AUC."""
        return self.ranking.metrics(self.target.label, self.target.weight)

    @cached_property
    def grouped(self) -> dict[str, float]:
        """GAUC, where a group has both classes, and the share of examples in such groups."""
        assert self.target.groups is not None
        return self.target.groups.auc(self.ranking)


def _auc(p: Predictions) -> float:
    return p.ranks[0]


def _pr_auc(p: Predictions) -> float:
    return p.ranks[1]


def _truth_auc(p: Predictions) -> float | None:
    truth = p.target.truth
    assert truth is not None
    return p.ranking.metrics(truth, p.target.weight)[0] if 0 < p.target.mean(truth) < 1 else None


def _gauc(p: Predictions) -> float | None:
    return p.grouped.get("gauc")


def _gauc_share(p: Predictions) -> float:
    return p.grouped["gauc_share"]


def _oracle_share(p: Predictions) -> float | None:
    return (p.ranks[0] - 0.5) / (p.target.oracle - 0.5) if p.target.oracle > 0.5 else None


def _logloss(p: Predictions) -> float:
    return p.mean_softplus - p.target.mean(p.target.label * p.logit)


def _ne(p: Predictions) -> float:
    return _logloss(p) / float(entr(p.target.base) + entr(1 - p.target.base))


def _brier(p: Predictions) -> float:
    return p.target.mean(np.square(p.probability - p.target.label))


def _regret(p: Predictions) -> float:
    assert p.target.truth is not None
    return p.mean_softplus - p.target.mean(p.target.truth * p.logit) - p.target.truth_entropy


def _calibration(p: Predictions) -> float:
    return p.target.mean(p.probability) / p.target.base


FUNCTIONS: dict[str, Callable[[Predictions], float | None]] = {
    "auc": _auc,
    "truth_auc": _truth_auc,
    "pr_auc": _pr_auc,
    "gauc": _gauc,
    "gauc_share": _gauc_share,
    "oracle_share": _oracle_share,
    "logloss": _logloss,
    "ne": _ne,
    "brier": _brier,
    "regret": _regret,
    "calibration": _calibration,
}
"""Metric -> its value; None where it is undefined after all."""


def bucket_of(count_N: Array) -> npt.NDArray[np.int64]:
    """Index into `BUCKETS` of each training count."""
    return np.searchsorted([low for _, low in BUCKETS], count_N, side="right") - 1
