"""Fields by period: ids that are new, ids that training never saw, and how far their distribution has moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.numbers import binned
from harness.data.profile.drift import drift
from harness.data.profile.lookups import Column, columns, lookups
from harness.data.profile.numbers import edges
from harness.data.profile.periods import BLOCK, Cut, blocks
from harness.data.validation import SPLITS
from harness.results.description import FieldInTime, Values

Ints = npt.NDArray[np.int64]
BINS = 256
"""Of a distribution of ids: the most frequent have their own, the others share the last."""


@dataclass(frozen=True)
class _Table:
    """What is known of the ids of one table. first_V: the period of training that they first occur in; P: none.

    bin_V: in which they count for drift.
    """

    first_V: npt.NDArray[np.int16]
    bin_V: npt.NDArray[np.int16]
    grown: Values


class _Counts:
    """Lookups of one column by period."""

    def __init__(self, periods: int) -> None:
        self.trained_P, self.fresh_P, self.held_P, self.unseen_P = np.zeros((4, periods), np.int64)
        self.bins_PB = np.zeros((periods, BINS), np.int64)

    def add(self, code_M: npt.NDArray[np.int32], period_M: npt.NDArray[np.int16], table: _Table, trained: bool) -> None:
        periods, first_M = len(self.bins_PB), table.first_V[code_M]
        counted = first_M == (period_M if trained else periods)
        for total_P, chosen_M in (
            (self.trained_P if trained else self.held_P, period_M),
            (self.fresh_P if trained else self.unseen_P, period_M[counted]),
        ):
            total_P += np.bincount(chosen_M, minlength=periods)
        bin_M = period_M * np.int32(BINS) + table.bin_V[code_M]
        self.bins_PB += np.bincount(bin_M, minlength=periods * BINS).reshape(-1, BINS)


def timeline(data: IndexedDataset, cut: Cut) -> tuple[FieldInTime, ...]:
    """Every field. Rows are read twice, in blocks: memory holds 12 bytes an id beside one."""
    tables = _tables(data, cut)
    counts = {column: _Counts(len(cut)) for column in columns(data)}
    for found in lookups(data, cut):
        counts[found.column].add(found.code_M, found.period_M, tables[found.column.table], found.trained)
    of_ids = tuple(_field(data, column, counts[column], tables[column.table]) for column in counts)
    return (*of_ids, *_numbers(data, cut))


def _tables(data: IndexedDataset, cut: Cut) -> list[_Table]:
    first = [np.full(len(count_V), len(cut), np.int16) for count_V in data.count_V]
    total = [count_V.astype(np.int64) for count_V in data.count_V]
    until = 0
    for found in lookups(data, cut):
        if found.trained:
            until = max(until, int(found.period_M.max(initial=-1)) + 1)
            np.minimum.at(first[found.column.table], found.code_M, found.period_M)
        else:
            np.add.at(total[found.column.table], found.code_M, 1)
    of_tables = zip(first, total, strict=True)
    return [_Table(first_V, _bins(total_V), _grown(first_V, until, len(cut))) for first_V, total_V in of_tables]


def _bins(total_V: Ints) -> npt.NDArray[np.int16]:
    if len(total_V) <= BINS:
        return np.arange(len(total_V), dtype=np.int16)
    bin_V = np.full(len(total_V), BINS - 1, np.int16)
    bin_V[np.argpartition(total_V, -(BINS - 1))[-(BINS - 1) :]] = np.arange(BINS - 1)
    return bin_V


def _grown(first_V: npt.NDArray[np.int16], until: int, periods: int) -> Values:
    """until: training has rows in so many periods."""
    ids_P = np.bincount(first_V, minlength=periods + 1)[:until]
    share_P = np.cumsum(ids_P) / max(int(ids_P.sum()), 1)
    return (*(round(float(share), 5) for share in share_P), *((None,) * (periods - until)))


def _field(data: IndexedDataset, column: Column, counts: _Counts, table: _Table) -> FieldInTime:
    return FieldInTime(
        name=column.name,
        ids=int(np.count_nonzero(data.count_V[column.table])),
        fresh=_shares(counts.fresh_P, counts.trained_P),
        grown=table.grown,
        unseen=_shares(counts.unseen_P, counts.held_P),
        drift=_rounded(drift(counts.bins_PB)),
    )


def _numbers(data: IndexedDataset, cut: Cut) -> tuple[FieldInTime, ...]:
    """The drift of numbers, between quantiles of training."""
    edges_P = [edges(data, p) for p in range(len(data.kinds.numbers))]
    counts = np.zeros((len(edges_P), len(cut), BINS), np.int64)
    for part in SPLITS if edges_P else ():
        split = data.split(part)
        assert split.numbers_NP is not None
        for rows in blocks(len(split), BLOCK):
            period_N = cut.of(data, part, rows)
            for p, edge in enumerate(edges_P):
                bin_N = period_N * np.int32(BINS) + binned(np.asarray(split.numbers_NP[rows, p]), edge)
                counts[p] += np.bincount(bin_N, minlength=len(cut) * BINS).reshape(-1, BINS)
        split.release()
    return tuple(
        FieldInTime(number.name, 0, (), (), (), _rounded(drift(counts[p])))
        for p, number in enumerate(data.kinds.numbers)
    )


def _shares(part_P: Ints, whole_P: Ints) -> Values:
    pairs = zip(part_P.tolist(), whole_P.tolist(), strict=True)
    return tuple(round(part / whole, 5) if whole else None for part, whole in pairs)


def _rounded(values: Values) -> Values:
    return tuple(None if value is None else round(value, 5) for value in values)
