"""How well scores rank: AUC and PR-AUC from one sort, AUC within groups. Examples may have weights above 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


def rank_metrics(score_N: Array, label_N: Array, weight_N: Array | None = None) -> tuple[float, float]:
    """Exact ROC AUC (ties count half) and average precision (PR-AUC, ties as one threshold), from one sort.

    A pair of a positive and a negative counts by the product of their weights. With weights, a label may also be a
    share: that much of the example is a positive, and the rest a negative.
    """
    if weight_N is None:
        score, label = _descending(score_N, label_N)
        positives = np.cumsum(label)
        negatives = np.arange(1.0, len(score) + 1) - positives
    else:
        order = np.argsort(score_N, kind="stable")[::-1]
        score, weight, label = score_N[order], weight_N[order], label_N[order].astype(np.float64)
        positives, negatives = np.cumsum(weight * label), np.cumsum(weight * (1 - label))
    last_of_tie = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    positives, negatives = positives[last_of_tie], negatives[last_of_tie]
    gained_positives = np.diff(positives, prepend=0.0)
    gained_negatives = np.diff(negatives, prepend=0.0)
    auc = np.sum(gained_negatives * (positives - gained_positives / 2)) / (positives[-1] * negatives[-1])
    precision = np.sum(gained_positives * positives / (positives + negatives)) / positives[-1]
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


class Groups:
    """The examples in groups that have both classes, for GAUC."""

    def __init__(self, label_N: Floats, group_N: Array, weight_N: Floats | None = None) -> None:
        weight_N = np.ones(len(label_N)) if weight_N is None else weight_N
        _, group = np.unique(group_N, return_inverse=True)
        count, ones = np.bincount(group), np.bincount(group, label_N)
        mixed = (ones > 0) & (ones < count)
        self._index_M = np.flatnonzero(mixed[group])
        self._group_M = (np.cumsum(mixed) - 1)[group[self._index_M]]
        label_M, weight_M = label_N[self._index_M], weight_N[self._index_M]
        self._size_G = np.bincount(self._group_M, weight_M)
        self._share = float(self._size_G.sum() / weight_N.sum())
        self._positive_M = _scaled(weight_M * label_M, self._group_M)
        self._negative_M = _scaled(weight_M * (1 - label_M), self._group_M)
        sums_G = (np.bincount(self._group_M, each) for each in (self._positive_M, self._negative_M))
        self._pairs_G = np.prod([*sums_G], axis=0)

    def auc(self, logit_N: Array) -> dict[str, float]:
        """gauc, if a group has both classes, and gauc_share."""
        if not len(self._index_M):
            return {"gauc_share": 0.0}
        order = np.lexsort((logit_N[self._index_M], self._group_M))
        group, score = self._group_M[order], logit_N[self._index_M][order]
        new_group = np.append(True, group[1:] != group[:-1])
        first_of_tie = np.flatnonzero(new_group | np.append(True, score[1:] != score[:-1]))
        positives_T = np.add.reduceat(self._positive_M[order], first_of_tie)
        negatives_T = np.add.reduceat(self._negative_M[order], first_of_tie)
        group_T = group[first_of_tie]
        below_T = np.cumsum(negatives_T) - negatives_T
        below_T -= below_T[np.flatnonzero(new_group[first_of_tie])][group_T]
        wins_G = np.bincount(group_T, positives_T * (below_T + negatives_T / 2))
        value = np.average(wins_G / self._pairs_G, weights=self._size_G)
        return {"gauc": float(value), "gauc_share": self._share}


def _scaled(weight_M: Floats, group_M: Array) -> Floats:
    """Weights with 1 as the largest of each group, so that no group's sums drown in those of the groups before it."""
    largest_G = np.zeros(group_M.max(initial=-1) + 1)
    np.maximum.at(largest_G, group_M, weight_M)
    return weight_M / largest_G[group_M]
