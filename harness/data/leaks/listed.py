"""Whether a list tells a label: by the mean training label of its ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.leaks.evidence import HELD_OUT, Floats, Telling, auc_by_split, smoothed_means
from harness.data.leaks.tallies import MOST_IDS, Codes, Ints, coded
from harness.data.validation import SPLITS

MOST = 1 << 17
"""Rows of a split that are read, evenly spaced."""


class _Ids(NamedTuple):
    """code_M: of all ids of all rows; row_M: the row of each. A list without ids has one code of its own."""

    code_M: Codes
    row_M: Ints
    rows: int

    def means(self, mean_V: Floats) -> Floats:
        """Of each row, over its ids."""
        total_N, many_N = (np.bincount(self.row_M, weight, self.rows) for weight in (mean_V[self.code_M], None))
        return np.asarray(total_N / many_N)


def tellings(data: IndexedDataset) -> Iterator[Telling]:
    """Every list with every task."""
    every = {part: slice(None, None, len(data.split(part)) // MOST + 1) for part in SPLITS}
    parts = {part: data.split(part).take(rows) for part, rows in every.items()}
    for g, each in enumerate(data.kinds.lists):
        ids, many = _ids(data, parts, g)
        for t, task in enumerate(data.tasks):
            mean_V = smoothed_means(_labels_by_id(ids["train"], parts["train"], t, many))
            score = {part: ids[part].means(mean_V) for part in HELD_OUT}
            labels = {part: _one_hot(parts[part], t) for part in HELD_OUT}
            yield Telling(each.name, "the ids in it", task, auc_by_split(score, labels), None)


def _ids(data: IndexedDataset, parts: dict[str, IndexedSplit], g: int) -> tuple[dict[str, _Ids], int]:
    """By split; and how many codes there are."""
    listed = {part: data.listed_codes(split, g, slice(None)) for part, split in parts.items()}
    codes: dict[str, Codes] = {part: code_M for part, (code_M, _) in listed.items()}
    many = len(data.ids_V[data.table_of(data.kinds.lists[g].name)])
    if many > MOST_IDS:
        codes, many = coded(codes)
    found = {}
    for part, (_, length_N) in listed.items():
        empty_K = np.flatnonzero(length_N == 0)
        code_M = np.concatenate([codes[part], np.full(len(empty_K), many)])
        row_M = np.concatenate([np.repeat(np.arange(len(length_N)), length_N), empty_K])
        found[part] = _Ids(code_M, row_M, len(length_N))
    return found, many + 1


def _labels_by_id(ids: _Ids, split: IndexedSplit, task: int, many: int) -> Ints:
    """Known labels that are 0 and 1, of the rows whose lists have an id; a row counts once for each of its ids."""
    label_M2 = _one_hot(split, task)[ids.row_M]
    return np.stack([np.bincount(ids.code_M, label_M2[:, c], many) for c in (0, 1)], axis=1).astype(np.int64)


def _one_hot(split: IndexedSplit, task: int) -> npt.NDArray[np.int64]:
    """Whether the label of each row is known and 0, and known and 1."""
    known_N = np.zeros(len(split), np.bool_)
    known_N[split.known(task)] = True
    is_one_N = np.asarray(split.labels_NT[:, task]) == 1
    return np.stack([known_N & ~is_one_N, known_N & is_one_N], axis=1).astype(np.int64)
