"""How well scores rank: AUC, PR-AUC and AUC within groups, from one sort. Examples may have weights above 0."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


def rank_metrics(score_N: Array, label_N: Array, weight_N: Array | None = None) -> tuple[float, float]:
    """As `Ranking.metrics`, of scores that are ranked for nothing else."""
    return Ranking(score_N).metrics(label_N, weight_N)


PACKED = 1 << 32
"""So many examples are sorted as one integer each, of 32 bits of value and 32 of position; more as they are."""


class Ranking:
    """N finite scores, sorted once for all that is asked of their order."""

    order: Ints
    """The examples by ascending score, those of a tie as they come."""

    def __init__(self, score_N: Array) -> None:
        self.score = score_N
        level_N, self.order = _ascending(score_N)
        self._first_of_tie = np.flatnonzero(np.append(True, level_N[1:] != level_N[:-1]))

    @cached_property
    def tie_N(self) -> Ints:
        """The number of distinct scores that are lower, for each example."""
        tie_N = np.empty_like(self.order)
        sizes = np.diff(self._first_of_tie, append=len(self.order))
        tie_N[self.order] = np.repeat(np.arange(len(sizes)), sizes)
        return tie_N

    def metrics(self, label_N: Array, weight_N: Array | None = None) -> tuple[float, float]:
        """Exact ROC AUC (ties count half) and average precision (PR-AUC, ties as one threshold).

        A pair of a positive and a negative counts by the product of their weights. A label may also be a share: that
        much of the example is a positive, and the rest a negative.
        """
        order, last_of_tie = self.order[::-1], len(self.order) - 1 - self._first_of_tie[::-1]
        label = label_N.astype(np.float64, copy=False)[order]
        weight = 1.0 if weight_N is None else weight_N[order]
        positives, negatives = np.cumsum(weight * label)[last_of_tie], np.cumsum(weight * (1 - label))[last_of_tie]
        gained_positives = np.diff(positives, prepend=0.0)
        gained_negatives = np.diff(negatives, prepend=0.0)
        auc = np.sum(gained_negatives * (positives - gained_positives / 2)) / (positives[-1] * negatives[-1])
        precision = np.sum(gained_positives * positives / (positives + negatives)) / positives[-1]
        return float(auc), float(precision)


def _ascending(score_N: Array) -> tuple[Array, Ints]:
    """Sorted, equal where scores are; and the positions they come from, in a stable order."""
    if score_N.dtype != np.float32:
        order = np.argsort(score_N, kind="stable")
        return score_N[order], order
    bits_N = (score_N + 0.0).view(np.int32).astype(np.int64)  # + 0.0: no negative zero
    return _sorted_integers(np.where(bits_N < 0, -(bits_N & 0x7FFFFFFF), bits_N))


def _sorted_integers(value_N: Ints) -> tuple[Ints, Ints]:
    """Integers of 32 bits, sorted, and the positions they come from, in a stable order.

    Value and position are sorted as one integer, several times as fast as an argsort.
    """
    if len(value_N) > PACKED:
        order = np.argsort(value_N, kind="stable")
        return value_N[order], order
    key_N = packed(value_N, np.arange(len(value_N)))
    key_N.sort()
    return unpacked(key_N)


def packed(value_N: Ints, position_N: Ints) -> Ints:
    """Integers of 32 bits, and positions below PACKED, as one integer each, in the order of both."""
    return (value_N << 32) + position_N


def unpacked(key_N: Ints) -> tuple[Ints, Ints]:
    return key_N >> 32, key_N & (PACKED - 1)


class Groups:
    """The examples in groups that have both classes, for GAUC."""

    def __init__(self, label_N: Floats, group_N: Array, weight_N: Floats | None = None) -> None:
        weight_N = np.ones(len(label_N)) if weight_N is None else weight_N
        _, group = np.unique(group_N, return_inverse=True)
        count, ones = np.bincount(group), np.bincount(group, label_N)
        mixed = (ones > 0) & (ones < count)
        self._index_M = np.flatnonzero(mixed[group])
        self._place_N = np.full(len(label_N), -1)
        self._place_N[self._index_M] = np.arange(len(self._index_M))
        self._group_M = (np.cumsum(mixed) - 1)[group[self._index_M]]
        label_M, weight_M = label_N[self._index_M], weight_N[self._index_M]
        self._size_G = np.bincount(self._group_M, weight_M)
        self._share = float(self._size_G.sum() / weight_N.sum())
        self._positive_M = _scaled(weight_M * label_M, self._group_M)
        self._negative_M = _scaled(weight_M * (1 - label_M), self._group_M)
        sums_G = (np.bincount(self._group_M, each) for each in (self._positive_M, self._negative_M))
        self._pairs_G = np.prod([*sums_G], axis=0)

    def auc(self, ranking: Ranking) -> dict[str, float]:
        """gauc, if a group has both classes, and gauc_share."""
        if not len(self._index_M):
            return {"gauc_share": 0.0}
        place_M = self._place_N[ranking.order]
        place_M = place_M[place_M >= 0]
        group, by_group = _sorted_integers(self._group_M[place_M])
        order = place_M[by_group]
        score = ranking.score[self._index_M][order]
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
