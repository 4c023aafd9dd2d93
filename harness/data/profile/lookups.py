"""Every lookup of a coded data set, a block of rows at a time: which id of which column, in which period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.periods import BLOCK, Cut, blocks
from harness.data.validation import SPLITS

LIST_BLOCK = 1 << 15
"""Rows of lists that are read together."""


@dataclass(frozen=True)
class Column:
    """A field of single ids, or a list. place: among its kind. table: the one it looks up."""

    name: str
    is_list: bool
    place: int
    table: int


@dataclass(frozen=True)
class Lookups:
    """code_M: in the vocabulary of the column's table. period_M: of the row."""

    column: Column
    code_M: npt.NDArray[np.int32]
    period_M: npt.NDArray[np.int16]
    trained: bool


def columns(data: IndexedDataset) -> tuple[Column, ...]:
    """Those that look up ids."""
    named = [(name, False, f) for f, name in enumerate(data.fields)]
    named += [(each.name, True, g) for g, each in enumerate(data.kinds.lists)]
    return tuple(Column(name, is_list, place, data.table_of(name)) for name, is_list, place in named)


def lookups(data: IndexedDataset, cut: Cut) -> Iterator[Lookups]:
    """All of them; train first, and each split in its order."""
    single = [column for column in columns(data) if not column.is_list]
    lists = [column for column in columns(data) if column.is_list]
    for part in SPLITS:
        split = data.split(part)
        for chosen, size in ((single, BLOCK), (lists, LIST_BLOCK)):
            for rows in blocks(len(split), size) if chosen else ():
                period_N = cut.of(data, part, rows)
                for column in chosen:
                    code_M, period_M = _read(data, part, column, rows, period_N)
                    yield Lookups(column, code_M, period_M, part == "train")
        split.release()


def _read(
    data: IndexedDataset, part: str, column: Column, rows: slice, period_N: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
    split = data.split(part)
    if not column.is_list:
        return data.codes(split, column.place, rows), period_N
    code_M, length_N = data.listed_codes(split, column.place, rows)
    return code_M, np.repeat(period_N, length_N)
