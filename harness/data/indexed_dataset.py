"""A data set coded once: ids as positions in a vocabulary, in integer arrays that may lie on disk."""

from __future__ import annotations

import dataclasses
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Doubt, Kept, Kinds
from harness.data.coder import tables_of

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class IndexedSplit:
    """A split with ids_NF replaced by codes_NF: int32 positions in the vocabularies of all tables, end to end."""

    codes_NF: npt.NDArray[np.int32]
    labels_NT: npt.NDArray[np.uint8]
    observed_NT: npt.NDArray[np.bool_] | None
    group_N: Ints | None
    time_N: Ints | None
    truth_NT: npt.NDArray[np.float32] | None
    numbers_NP: npt.NDArray[np.float32] | None = None
    """What multiplies the vector of each field of numbers; NaN where the number is missing."""
    begin_NG: Ints | None = None
    """Where the ids of each list begin among those of its field."""
    length_NG: npt.NDArray[np.int32] | None = None
    weight_N: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.codes_NF)

    def labelled(self, *, truth: bool = False) -> IndexedSplit:
        """What training reads: no groups, times and equal weights, which are none; the truth for probes alone."""
        weight_N = self.weight_N
        weight_N = None if weight_N is None or weight_N.min() == weight_N.max() else weight_N
        truth_NT = self.truth_NT if truth else None
        return dataclasses.replace(self, group_N=None, time_N=None, weight_N=weight_N, truth_NT=truth_NT)

    def ungrouped(self) -> IndexedSplit:
        return dataclasses.replace(self, group_N=None)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Every array that the split has, by name."""
        found = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: array for name, array in found.items() if array is not None}

    def release(self) -> None:
        """Let go of the memory that mapped arrays hold; reading brings it back from disk."""
        for array in self.arrays().values():
            if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap):
                array.base.madvise(mmap.MADV_DONTNEED)

    def known(self, task: int) -> npt.NDArray[np.bool_] | slice:
        """The examples whose label of a task is known, as an index."""
        return slice(None) if self.observed_NT is None else self.observed_NT[:, task]

    def counted(self, task: int) -> Ints | slice:
        """Those among them that have a weight above 0, as positions."""
        if self.weight_N is None:
            return slice(None) if self.observed_NT is None else np.flatnonzero(self.observed_NT[:, task])
        return np.flatnonzero((self.weight_N > 0) & (True if self.observed_NT is None else self.observed_NT[:, task]))

    def take(self, index_M: Ints | slice) -> IndexedSplit:
        """The examples at these positions, in memory; those of a slice stay where they are."""
        taken = {name: np.asarray(array[index_M]) for name, array in self.arrays().items()}
        return dataclasses.replace(self, **taken)


@dataclass(frozen=True)
class IndexedDataset:
    """A coded data set."""

    fields: tuple[str, ...]
    """Of single ids, buckets of numbers last: the columns of codes_NF."""
    tasks: tuple[str, ...]
    ids_V: tuple[Ints, ...]
    """By table, the distinct raw ids of all its fields in any split."""
    count_V: tuple[Ints, ...]
    """By table, their occurrences in training."""
    train: IndexedSplit
    valid: IndexedSplit
    test: IndexedSplit
    kinds: Kinds = field(default_factory=Kinds)
    """Of the other fields; numbers in buckets are no longer among them."""
    values: tuple[npt.NDArray[np.int32], ...] = ()
    """By list field, its ids as positions in the vocabularies of all tables."""
    weights: tuple[npt.NDArray[np.float32] | None, ...] = ()
    """By list field, the weights of its values, if it has any."""
    scales: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By field of numbers, buckets among them, what `Scale.told` says; data that were built before it did have none."""
    notes: tuple[str, ...] = ()
    """What was made of the raw data that its owner should know."""
    kept: Mapping[str, Kept] = field(default_factory=dict)
    """By task, where the log was down-sampled by its label."""
    doubts: tuple[Doubt, ...] = ()
    """What may mislead in how the data were made."""

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The fields that have a table of ids of their own."""
        return tables_of(self.fields, self.kinds)

    def table_of(self, name: str) -> int:
        """The table that a field of ids or a list looks up."""
        return self.tables.index(self.kinds.table_of(name))

    def codes(self, split: IndexedSplit, f: int, rows: slice = slice(None)) -> npt.NDArray[np.int32]:
        """A field of single ids, as positions in the vocabulary of its table."""
        return np.asarray(split.codes_NF[rows, f]) - self._start(self.fields[f])

    def listed_codes(
        self, split: IndexedSplit, g: int, rows: slice
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The ids in a field of lists, one list after the other, as positions in the vocabulary of its table; and the
        length of each list."""
        assert split.begin_NG is not None
        assert split.length_NG is not None
        begin_N, length_N = np.asarray(split.begin_NG[rows, g]), np.asarray(split.length_NG[rows, g])
        before_N = np.cumsum(length_N) - length_N
        at_M = np.arange(length_N.sum()) + np.repeat(begin_N - before_N, length_N)
        return np.asarray(self.values[g][at_M]) - self._start(self.kinds.lists[g].name), length_N

    def _start(self, name: str) -> np.int32:
        """The code of the first id of the table that a field looks up."""
        return np.int32(sum(map(len, self.ids_V[: self.table_of(name)])))

    def counts(self, f: int) -> Ints:
        """Occurrences in training of the ids of the table that a field of single ids looks up."""
        return self.count_V[self.table_of(self.fields[f])]

    def split(self, name: str) -> IndexedSplit:
        split = getattr(self, name)
        assert isinstance(split, IndexedSplit)
        return split

    def rarest_count_N(self, split: IndexedSplit) -> Ints:
        """Training occurrences of the rarest single id in each example (0: an id never seen in training)."""
        rarest = np.full(len(split), np.iinfo(np.int64).max)
        for f in range(len(self.fields)):
            np.minimum(rarest, self.counts(f)[self.codes(split, f)], out=rarest)
        return rarest
