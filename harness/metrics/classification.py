"""Pure functions of arrays: how good N predicted logits are, in float64 and over the whole split at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import entr, expit

from harness.metrics.catalog import BUCKETS, METRICS, Needs

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


class Target:
    """The labels of one task in one set of N examples, and all that is the same for every model evaluated on them.

    Called with logits it gives every metric of the catalogue that is defined there. What is undefined is left out: a
    metric whose needs the examples do not meet, and the oracle share where the truth itself ranks no better than
    chance, as it may in a bucket of a few rows. Logits that are not finite have no metric but a logloss of nan.
    """

    def __init__(self, label_N: Array, truth_N: Array | None = None, group_N: Array | None = None) -> None:
        """label_N: 0 or 1. truth_N: the probability that generated each. group_N: of each example, for GAUC."""
        self.label = label_N.astype(np.float64)
        self.base = float(self.label.mean())
        self.truth = None if truth_N is None else truth_N.astype(np.float64)
        self.truth_entropy = 0.0 if self.truth is None else float(np.mean(entr(self.truth) + entr(1 - self.truth)))
        both_classes = 0 < self.base < 1
        self.oracle = rank_metrics(self.truth, self.label)[0] if self.truth is not None and both_classes else 0.5
        self.groups = None if group_N is None else Groups(self.label, group_N)
        met = {
            Needs.LABELS: True,
            Needs.POSITIVES: self.base > 0,
            Needs.BOTH_CLASSES: both_classes,
            Needs.TRUTH: self.truth is not None,
            Needs.GROUPS: self.groups is not None,
        }
        self._metrics = [name for name, info in METRICS.items() if met[info.needs]]

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
        self.logit = logit_N.astype(np.float64)

    @cached_property
    def probability(self) -> Floats:
        return np.asarray(expit(self.logit))

    @cached_property
    def mean_softplus(self) -> float:
        return float(np.mean(np.logaddexp(0.0, self.logit)))

    @cached_property
    def ranks(self) -> tuple[float, float]:
        """AUC and PR-AUC."""
        return rank_metrics(self.score, self.target.label)

    @cached_property
    def grouped(self) -> dict[str, float]:
        """GAUC, where a group has both classes, and the share of examples in such groups."""
        assert self.target.groups is not None
        return self.target.groups.auc(self.score)


def _auc(p: Predictions) -> float:
    return p.ranks[0]


def _pr_auc(p: Predictions) -> float:
    return p.ranks[1]


def _gauc(p: Predictions) -> float | None:
    return p.grouped.get("gauc")


def _gauc_share(p: Predictions) -> float:
    return p.grouped["gauc_share"]


def _oracle_share(p: Predictions) -> float | None:
    return (p.ranks[0] - 0.5) / (p.target.oracle - 0.5) if p.target.oracle > 0.5 else None


def _logloss(p: Predictions) -> float:
    return p.mean_softplus - float(np.mean(p.target.label * p.logit))


def _ne(p: Predictions) -> float:
    return _logloss(p) / float(entr(p.target.base) + entr(1 - p.target.base))


def _brier(p: Predictions) -> float:
    return float(np.mean(np.square(p.probability - p.target.label)))


def _regret(p: Predictions) -> float:
    assert p.target.truth is not None
    return p.mean_softplus - float(np.mean(p.target.truth * p.logit)) - p.target.truth_entropy


def _calibration(p: Predictions) -> float:
    return float(p.probability.mean() / p.target.base)


FUNCTIONS: dict[str, Callable[[Predictions], float | None]] = {
    "auc": _auc,
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


class Groups:
    """The examples in groups that have both classes, for GAUC."""

    def __init__(self, label_N: Floats, group_N: Array) -> None:
        _, group = np.unique(group_N, return_inverse=True)
        size, positives = np.bincount(group), np.bincount(group, label_N)
        mixed = (positives > 0) & (positives < size)
        self._index_M = np.flatnonzero(mixed[group])
        self._label_M = label_N[self._index_M]
        self._group_M = (np.cumsum(mixed) - 1)[group[self._index_M]]
        self._size_G, self._positives_G = size[mixed], positives[mixed]
        self._share = len(self._index_M) / len(group)

    def auc(self, logit_N: Array) -> dict[str, float]:
        if not self._share:
            return {"gauc_share": 0.0}
        order = np.lexsort((logit_N[self._index_M], self._group_M))
        group, score = self._group_M[order], logit_N[self._index_M][order]
        new_group = np.append(True, group[1:] != group[:-1])
        tie = np.cumsum(new_group | np.append(True, score[1:] != score[:-1])) - 1
        position = np.arange(len(group)) - np.flatnonzero(new_group)[group] + 1.0
        rank = (np.bincount(tie, position) / np.bincount(tie))[tie]
        positives, negatives = self._positives_G, self._size_G - self._positives_G
        wins = np.bincount(group, rank * self._label_M[order]) - positives * (positives + 1) / 2
        value = np.average(wins / (positives * negatives), weights=self._size_G)
        return {"gauc": float(value), "gauc_share": self._share}


def rank_metrics(score_N: Array, label_N: Array) -> tuple[float, float]:
    """Exact ROC AUC (ties count half) and average precision (PR-AUC, ties as one threshold), from one sort."""
    score, label = _descending(score_N, label_N)
    last_of_tie = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    positives = np.cumsum(label)[last_of_tie]
    ranked = last_of_tie + 1.0
    negatives = ranked - positives
    gained_positives = np.diff(positives, prepend=0.0)
    gained_negatives = np.diff(negatives, prepend=0.0)
    auc = np.sum(gained_negatives * (positives - gained_positives / 2)) / (positives[-1] * negatives[-1])
    precision = np.sum(gained_positives * positives / ranked) / positives[-1]
    return float(auc), float(precision)


def _descending(score_N: Array, label_N: Array) -> tuple[Array, Floats]:
    """Scores and labels in descending order of score; float32 scores are sorted as integers with the label as last bit,
    several times as fast as an argsort."""
    if score_N.dtype != np.float32:
        order = np.argsort(score_N)[::-1]
        return score_N[order], label_N[order].astype(np.float64)
    bits = (score_N + 0.0).view(np.int32).astype(np.int64)  # + 0.0: no negative zero
    key = np.sort(np.where(bits < 0, -(bits & 0x7FFFFFFF), bits) * 2 + (label_N > 0))[::-1]
    return key >> 1, (key & 1).astype(np.float64)


def bucket_of(count_N: Array) -> npt.NDArray[np.int64]:
    """Index into `BUCKETS` of each training count."""
    return np.searchsorted([low for _, low in BUCKETS], count_N, side="right") - 1
