"""Known labels of a coded data set, counted by id: of every field, and of the groups if no field has the same ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.indexed import SPLITS, IndexedDataset, IndexedSplit

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


@dataclass(frozen=True)
class Tally:
    """One task by the ids of one column. labels_V2: split, before or after -> known labels that are 0 and 1, by id.

    is_field: whether models read the column; the groups of the data are no field.
    """

    column: str
    is_field: bool
    task: str
    labels_V2: dict[str, Ints]


@dataclass(frozen=True)
class _Column:
    """codes: part -> code of each row, 0 .. ids - 1."""

    name: str
    is_field: bool
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
    if groups is not None:
        yield from _counted(groups, data.tasks, parts)


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
        codes, ids = _coded(codes)
    return _Column(data.fields[f], True, codes, ids)


def _groups(parts: Mapping[str, IndexedSplit]) -> _Column:
    codes, ids = _coded({part: split.group_N for part, split in parts.items() if split.group_N is not None})
    return _Column("group", False, codes, ids)


def _coded(values: Mapping[str, Codes]) -> tuple[dict[str, Codes], int]:
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
        yield Tally(column.name, column.is_field, task, labels_V2)
