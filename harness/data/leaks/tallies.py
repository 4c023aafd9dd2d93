"""Known labels of a coded data set, counted by value: by id of every field and of the groups, unless a field has the
same ids, and by bins of numbers and of the lengths of lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.leaks.bins import edges
from harness.data.numbers import binned
from harness.data.validation import SPLITS

Codes = npt.NDArray[np.signedinteger[Any]]
Ints = npt.NDArray[np.int64]
BEFORE, AFTER = "before", "after"
"""The rows on either side of the cut between training and validation, where all of training is the earlier."""
EDGE = 0.25
"""How many rows these are, as a share of the validation split."""
MOST_ROWS = 1 << 23
"""Of a split, that are read: the last of training, the first of the others."""
MOST_IDS = 1 << 24
"""Of a column, that are counted by their codes; where there are more, those that occur are coded anew, more slowly."""


class What(StrEnum):
    """What labels are counted by; the groups of the data are no field, which models read."""

    IDS = "its ids"
    GROUPS = "the groups"
    PERCENTILES = "its percentiles"
    LENGTHS = "its lengths"

    @property
    def is_ids(self) -> bool:
        return self in (What.IDS, What.GROUPS)


@dataclass(frozen=True)
class Tally:
    """One task by the values of one column. labels_V2: split, before or after -> known labels that are 0 and 1, by
    value."""

    column: str
    what: What
    task: str
    labels_V2: dict[str, Ints]


@dataclass(frozen=True)
class _Column:
    """codes: part -> code of each row, 0 .. ids - 1."""

    name: str
    what: What
    codes: dict[str, Codes]
    ids: int


def tallies(data: IndexedDataset) -> Iterator[Tally]:
    """Every column with every task; one column at a time is in memory."""
    parts = _parts(data)
    groups = None if any(split.group_N is None for split in parts.values()) else _groups(parts)
    for f in range(len(data.fields)):
        column = _field(data, f, parts)
        groups = None if groups is not None and _same(column, groups) else groups
        yield from _counted(column, data.tasks, parts)
    for column in (*([groups] if groups is not None else []), *_of_numbers(data, parts), *_of_lengths(data, parts)):
        yield from _counted(column, data.tasks, parts)


def _parts(data: IndexedDataset) -> dict[str, IndexedSplit]:
    """The rows to read."""
    train, valid = data.train, data.valid
    parts = {part: data.split(part).take(slice(MOST_ROWS)) for part in SPLITS}
    parts["train"] = train.take(slice(-MOST_ROWS, None))
    if train.time_N is not None and valid.time_N is not None and train.time_N.max() <= valid.time_N.min():
        edge = max(1, int(EDGE * len(parts["valid"])))
        for part, of, rows in ((BEFORE, "train", slice(-edge, None)), (AFTER, "valid", slice(edge))):
            time_N = parts[of].time_N
            assert time_N is not None
            parts[part] = parts[of].take(np.argsort(time_N, kind="stable")[rows])
    return parts


def _field(data: IndexedDataset, f: int, parts: Mapping[str, IndexedSplit]) -> _Column:
    ids = len(data.counts(f))
    codes: dict[str, Codes] = {part: data.codes(split, f) for part, split in parts.items()}
    if ids > MOST_IDS:
        codes, ids = coded(codes)
    return _Column(data.fields[f], What.IDS, codes, ids)


def _groups(parts: Mapping[str, IndexedSplit]) -> _Column:
    codes, ids = coded({part: split.group_N for part, split in parts.items() if split.group_N is not None})
    return _Column("group", What.GROUPS, codes, ids)


def _of_numbers(data: IndexedDataset, parts: Mapping[str, IndexedSplit]) -> Iterator[_Column]:
    """Those in buckets are fields of ids."""
    for p, number in enumerate(each for each in data.kinds.numbers if not each.bucketed):
        values = {part: split.numbers_NP[:, p] for part, split in parts.items() if split.numbers_NP is not None}
        yield _binned(number.name, What.PERCENTILES, values)


def _of_lengths(data: IndexedDataset, parts: Mapping[str, IndexedSplit]) -> Iterator[_Column]:
    for g, each in enumerate(data.kinds.lists):
        values = {part: split.length_NG[:, g] for part, split in parts.items() if split.length_NG is not None}
        yield _binned(each.name, What.LENGTHS, values)


def _binned(name: str, what: What, values: Mapping[str, npt.NDArray[Any]]) -> _Column:
    single = {part: np.asarray(value_N, np.float32) for part, value_N in values.items()}
    edge_B = edges(single["train"])
    return _Column(name, what, {part: binned(each_N, edge_B) for part, each_N in single.items()}, len(edge_B) + 2)


def coded(values: Mapping[str, Codes]) -> tuple[dict[str, Codes], int]:
    """Codes for any integers, and how many there are."""
    ids, code_N = np.unique(np.concatenate(list(values.values())), return_inverse=True)
    ends = np.cumsum([len(value_N) for value_N in values.values()])[:-1]
    return dict(zip(values, np.split(code_N, ends), strict=True)), len(ids)


def _same(column: _Column, groups: _Column) -> bool:
    """Whether a column has the ids of the groups under other names."""
    if column.ids != groups.ids:
        return False
    name_V = np.full(groups.ids, -1, np.int64)
    for part in SPLITS:
        name_V[groups.codes[part]] = column.codes[part]
    return all(np.array_equal(name_V[groups.codes[part]], column.codes[part]) for part in SPLITS)


def _counted(column: _Column, tasks: tuple[str, ...], parts: Mapping[str, IndexedSplit]) -> Iterator[Tally]:
    for t, task in enumerate(tasks):
        labels_V2 = {}
        for part, split in parts.items():
            known = split.known(t)
            pair_N = 2 * column.codes[part][known].astype(np.int64) + split.labels_NT[known, t]
            labels_V2[part] = np.bincount(pair_N, minlength=2 * column.ids).reshape(-1, 2)
        yield Tally(column.name, column.what, task, labels_V2)
