"""Rank and frequency of the ids of a field, at few points, and of the law fitted to them."""

from __future__ import annotations

import numpy as np

from harness.data.profile.zipf_fit import Ints, Law, descending
from harness.results.description import Points, Tail

POINTS = 120


def tail(name: str, count_V: Ints, law: Law | None) -> Tail:
    """count_V: occurrences in training."""
    count_U = descending(count_V)
    rank = np.unique(np.geomspace(1, max(len(count_U), 1), POINTS).astype(np.int64))[: len(count_U)]
    expected = () if law is None else _expected(law, rank, int(count_U.sum()))
    return Tail(name, None if law is None else law.exponent, _points(rank, count_U[rank - 1]), expected)


def _expected(law: Law, rank: Ints, rows: int) -> Points:
    edges = np.unique(np.geomspace(1, law.ids + 1, 4000).astype(np.int64))
    middle, width = (edges[1:] + edges[:-1] - 1) / 2, np.diff(edges)
    mass = float(width @ (middle + law.shift) ** -law.exponent)
    return _points(rank, rows / mass * (rank + law.shift) ** -law.exponent)


def _points(rank: Ints, count: np.ndarray[tuple[int], np.dtype[np.generic]]) -> Points:
    return tuple((float(r), float(f"{c:.4g}")) for r, c in zip(rank.tolist(), count.tolist(), strict=True))
