"""Pure functions of arrays: how good N predicted logits are, in float64 and over the whole split at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import entr, expit

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

BUCKETS = (("unseen", 0), ("1", 1), ("2-4", 2), ("5-19", 5), ("20-99", 20), ("100-up", 100))
"""Name and lowest training count of each frequency bucket."""


class Target:
    """The labels of one task in one set of N examples, and all that is the same for every model evaluated on them.

    Called with logits it gives AUC, PR-AUC, logloss, normalised entropy and calibration; with truth_N, the generating
    probability, also regret and the share of (oracle AUC - 0.5) reached; with group_N also GAUC: the mean AUC within a
    group, weighted by the group's examples, and the share of examples in the groups that have both classes.

    What is undefined is left out: with one class AUC, PR-AUC and normalised entropy, without positives calibration,
    and the oracle share where the truth itself ranks no better than chance, as it may in a bucket of a few rows.
    Logits that are not finite have no metric but a logloss of nan.
    """

    def __init__(self, label_N: Array, truth_N: Array | None = None, group_N: Array | None = None) -> None:
        self._label = label_N.astype(np.float64)
        self._base = float(self._label.mean())
        self._truth = None if truth_N is None else truth_N.astype(np.float64)
        self._entropy = 0.0 if self._truth is None else float(np.mean(entr(self._truth) + entr(1 - self._truth)))
        mixed = 0 < self._base < 1
        self._oracle = rank_metrics(self._truth, self._label)[0] if self._truth is not None and mixed else 0.5
        self._groups = None if group_N is None else _Groups(self._label, group_N)

    def __call__(self, logit_N: Array) -> dict[str, float]:
        if not np.isfinite(logit_N).all():
            return {"logloss": math.nan}
        logit, label, base = logit_N.astype(np.float64), self._label, self._base
        mean_softplus = float(np.mean(np.logaddexp(0.0, logit)))
        out = {"logloss": mean_softplus - float(np.mean(label * logit))}
        if 0 < base < 1:
            out["auc"], out["pr_auc"] = rank_metrics(logit_N, label)
            out["ne"] = out["logloss"] / float(entr(base) + entr(1 - base))
        if base > 0:
            out["calibration"] = float(expit(logit).mean() / base)
        if self._truth is not None:
            out["regret"] = mean_softplus - float(np.mean(self._truth * logit)) - self._entropy
        if self._oracle > 0.5 and "auc" in out:
            out["oracle_share"] = (out["auc"] - 0.5) / (self._oracle - 0.5)
        return out if self._groups is None else out | self._groups.auc(logit_N)


class _Groups:
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
