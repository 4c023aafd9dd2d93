"""A log cut by time into windows, each a data set: trained on, and held out is the window after it.

The splits of the data set are pooled. A window knows the ids of its own training rows; what earlier ones knew comes
with the state that it begins with. The next window is held out as two random halves, so that the epoch is chosen on one
and reported on the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import UserError
from harness.base import seeds
from harness.base.durations import duration
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit, Ints

FILLED: dict[str, Any] = {"observed_NT": True, "weight_N": 1.0}
"""What a split without these means by it."""


class Windows:
    """Those of a log that are trained on, from 1; the last window is held out alone. length: as in a plan."""

    def __init__(self, dataset: IndexedDataset, length: int | str) -> None:
        """Raises:
        UserError: rows have no time, or a window has no rows.
        """
        self._dataset = dataset
        self._splits = (dataset.train, dataset.valid, dataset.test)
        times = [split.time_N for split in self._splits if split.time_N is not None]
        if len(times) < len(self._splits):
            raise UserError("train.continual: rows of this data set have no time; accepted: a data set with times")
        edges = _edges(np.concatenate(times), length)
        self._place = [np.searchsorted(edges, time_N, side="right").astype(np.int32) for time_N in times]
        rows_W = sum(np.bincount(place_N, minlength=len(edges) + 1) for place_N in self._place)
        if len(edges) == 0 or not np.all(rows_W):
            few = "there is one" if len(edges) == 0 else f"number {int(np.argmin(rows_W)) + 1} has no rows"
            raise UserError(f"train.continual.windows = {length!r}: {few}; accepted: two or more, each with rows")
        self._windows = len(edges) + 1

    def __len__(self) -> int:
        return self._windows - 1

    def data(self, number: int) -> IndexedDataset:
        """The window of this number, and the next one as valid and test."""
        train, following = self._rows(number), self._rows(number + 1)
        valid_N = seeds.generator(0, "held out", number).random(len(following)) < 0.5
        halves = (following.take(np.flatnonzero(half_N)) for half_N in (valid_N, ~valid_N))
        counts = occurrences(self._dataset, train)
        return dataclasses.replace(self._dataset, train=train, valid=next(halves), test=next(halves), count_V=counts)

    def check(self, task: int) -> None:
        """Raises: UserError: a window cannot be trained or evaluated on, as a label of a task is of one class only."""
        for number in range(1, len(self) + 1):
            data = self.data(number)
            for name in ("train", "valid", "test"):
                split = data.split(name)
                label_N = split.labels_NT[split.counted(task), task]
                if len(np.unique(label_N)) < 2:
                    where = f"window {number}" if name == "train" else f"a half of window {number + 1}"
                    raise UserError(
                        f"train.continual: {where} of {self._windows} has only one class of label "
                        f"'{data.tasks[task]}' in {len(label_N):,} rows; accepted: both, as in fewer windows"
                    )

    def _rows(self, number: int) -> IndexedSplit:
        """The rows of a window, in memory."""
        parts = [
            split.take(np.flatnonzero(place_N == number - 1))
            for split, place_N in zip(self._splits, self._place, strict=True)
        ]
        return _joined([part for part in parts if len(part)])


def occurrences(dataset: IndexedDataset, split: IndexedSplit) -> tuple[Ints, ...]:
    """By table, how often each id occurs in a split, lists included."""
    found = [np.zeros(len(ids_V), np.int64) for ids_V in dataset.ids_V]
    for f, name in enumerate(dataset.fields):
        _count(found[dataset.table_of(name)], dataset.codes(split, f))
    for g, each in enumerate(dataset.kinds.lists):
        _count(found[dataset.table_of(each.name)], dataset.listed_codes(split, g, slice(None))[0])
    return tuple(found)


def _count(count_V: Ints, code_M: npt.NDArray[np.int32]) -> None:
    count_V += np.bincount(code_M, minlength=len(count_V))


def _edges(time_N: Ints, length: int | str) -> Ints:
    """The first time of every window but the first."""
    if isinstance(length, int):
        return np.sort(time_N)[[round(len(time_N) * w / length) for w in range(1, length)]]
    first, seconds = int(time_N.min()), duration(length)
    windows = round((int(time_N.max()) - first) / seconds)  # a last one that is not full is joined if it is short
    return first + seconds * np.arange(1, windows)


def _joined(parts: Sequence[IndexedSplit]) -> IndexedSplit:
    """The rows of several splits as one."""
    joined: dict[str, Any] = {}
    for name in (f.name for f in dataclasses.fields(IndexedSplit)):
        arrays = [getattr(part, name) for part in parts]
        if name in FILLED and any(array is not None for array in arrays):
            shape = next(array.shape[1:] for array in arrays if array is not None)
            blanks = [np.full((len(part), *shape), FILLED[name]) for part in parts]
            arrays = [blank if array is None else array for array, blank in zip(arrays, blanks, strict=True)]
        joined[name] = None if any(array is None for array in arrays) else np.concatenate(arrays)
    return IndexedSplit(**joined)
