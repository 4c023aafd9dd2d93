"""How many rows each time has, in bounded memory: exact, or for spans of time where too many are distinct."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from harness.api import Ints

MOST = 1 << 20
"""Distinct times, or spans of them, that are counted."""
EARLIEST, LATEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
Read = Callable[[slice], Iterable[Ints]]
"""Reads times once more, in batches: those of a range of rows in the order of the files, or all."""


class TimeCounts:
    """Counts times from `first` to `last`, by spans of 2**shift that begin at multiples of it."""

    def __init__(self, first: int = EARLIEST, last: int = LATEST, most: int = MOST) -> None:
        self.first, self.last, self.most = first, last, most
        self.shift = 0
        self.ordered = True
        """Whether no time was less than the one before it."""
        self._before = EARLIEST
        self._span_S, self._count_S = np.empty(0, np.int64), np.empty(0, np.int64)
        self._new: list[tuple[Ints, Ints]] = []
        self._waiting = 0
        """Spans of `_new`, which are merged when they are many."""

    def add(self, time_N: Ints) -> None:
        """Count some more."""
        if self.first > EARLIEST or self.last < LATEST:
            if not len(time_N) or int(time_N.max()) < self.first or int(time_N.min()) > self.last:
                return
            time_N = time_N[(time_N >= self.first) & (time_N <= self.last)]
        if not len(time_N):
            return
        span_S, count_S = self._runs_of(time_N)
        self._new.append(_runs(span_S >> self.shift, count_S) if self.shift else (span_S, count_S))
        self._waiting += len(self._new[-1][0])
        if self._waiting > self.most:
            self._merge()

    def _runs_of(self, time_N: Ints) -> tuple[Ints, Ints]:
        """The distinct times, ascending, and how many; whether they come so is kept in `ordered`."""
        if self.ordered:
            span_S, count_S = _runs(time_N)
            self.ordered = int(time_N[0]) >= self._before and _rising(span_S)
            self._before = int(time_N[-1])
            if self.ordered:
                return span_S, count_S
        return _runs(np.sort(time_N))

    def spans(self) -> tuple[Ints, Ints]:
        """The first time of each span that has rows, ascending, and how many; times themselves where shift is 0."""
        self._merge()
        return self._span_S << self.shift, self._count_S

    def _merge(self) -> None:
        if not self._new:
            return
        span_S = np.concatenate([self._span_S, *(spans for spans, _ in self._new)])
        count_S = np.concatenate([self._count_S, *(counts for _, counts in self._new)])
        self._new, self._waiting = [], 0
        if not _rising(span_S):
            order = np.argsort(span_S, kind="stable")
            span_S, count_S = span_S[order], count_S[order]
        span_S, count_S = _runs(span_S, count_S)
        while len(span_S) > self.most:
            self.shift += 1
            span_S, count_S = _runs(span_S >> 1, count_S)
        self._span_S, self._count_S = span_S, count_S


def times_at(ranks: Sequence[int], counts: TimeCounts, read: Read) -> list[int]:
    """The times of the rows of these ranks, were rows in order of time; read again where spans do not tell them.

    Where rows are in order, those of a span alone are read.
    """
    found, within = dict[int, int](), dict.fromkeys(ranks, (0, 0, counts))
    while within:
        for rank, (below, _, of) in list(within.items()):
            span_S, count_S = of.spans()
            before_S = below + np.cumsum(count_S) - count_S
            at = int(np.searchsorted(before_S, rank, side="right")) - 1
            first = int(span_S[at])
            if of.shift == 0:
                found[rank] = first
                del within[rank]
            else:
                span = TimeCounts(first, first + (1 << of.shift) - 1, of.most)
                within[rank] = int(before_S[at]), int(before_S[at] + count_S[at]), span
        if counts.ordered:
            for below, end, of in within.values():
                for time_N in read(slice(below, end)):
                    of.add(time_N)
        elif within:
            for time_N in read(slice(None)):
                for _, _, of in within.values():
                    of.add(time_N)
    return [found[rank] for rank in ranks]


def _rising(value_N: Ints) -> bool:
    return bool((value_N[1:] >= value_N[:-1]).all())


def _runs(value_N: Ints, weight_N: Ints | None = None) -> tuple[Ints, Ints]:
    """The distinct ones of ascending values, and how many, or the sum of their weights."""
    if not len(value_N):
        return value_N, np.empty(0, np.int64)
    start_S = np.append(0, np.flatnonzero(value_N[1:] != value_N[:-1]) + 1)
    if weight_N is None:
        return value_N[start_S], np.diff(start_S, append=len(value_N))
    return value_N[start_S], np.add.reduceat(weight_N, start_S)
