"""Which rows of a run begin as which rows of a state: those of the same ids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.data.indexed_dataset import IndexedDataset, Ints
from harness.engine.row_mapping import RowMapping

Held = dict[str, Tensor]
"""Of a table: its trained `ids`, ascending, their `count` and their fused `rows` [U, H]; and the rows of all `others`,
which share them as they have none of their own."""


def held(dataset: IndexedDataset, mapping: RowMapping) -> dict[str, Held]:
    """What a data set and its rows hold, by table."""
    found, start = {}, 0
    for t, (name, ids_V, count_V) in enumerate(zip(dataset.tables, dataset.ids_V, dataset.count_V, strict=True)):
        rows_VH, known_V = mapping.remap_VH[start : start + len(ids_V)].numpy(), count_V > 0
        each = int((rows_VH[:1] >= 0).sum())  # the others pad the rows of an id to those of other tables
        found[name] = _held(ids_V[known_V], count_V[known_V], rows_VH[known_V, :each], mapping.shared[t])
        start += len(ids_V)
    for table in mapping.columns.numbers:
        at_U = np.arange(table.num_rows)
        rows_UH = (table.offset + at_U[:, None]).astype(np.int32)
        found[table.name] = _held(at_U, np.ones_like(at_U), rows_UH, at_U[:0])
    return found


def _held(ids_U: Ints, count_U: Ints, rows_UH: npt.NDArray[np.int32], others: Ints) -> Held:
    arrays = {"ids": ids_U, "count": count_U, "rows": rows_UH, "others": others}
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def taken(mine: Held, theirs: Held) -> tuple[Ints, Ints]:
    """Rows of this run, each once, and the row of the state that each begins with.

    A row of several ids begins as that of the most frequent here. A shared row of none that the state knows begins as
    theirs did: training may move it without an id, as `id_dropout` does.
    """
    _, here, there = np.intersect1d(mine["ids"].numpy(), theirs["ids"].numpy(), assume_unique=True, return_indices=True)
    order = np.argsort(-mine["count"].numpy()[here], kind="stable")
    into, source = mine["rows"].numpy()[here[order]].reshape(-1), theirs["rows"].numpy()[there[order]].reshape(-1)
    shared, as_there = mine["others"].numpy().reshape(-1), theirs["others"].numpy().reshape(-1)
    if len(shared) == len(as_there):
        into, source = np.concatenate([into, shared]), np.concatenate([source, as_there])
    into_M, first = np.unique(into, return_index=True)
    return into_M.astype(np.int64), source[first].astype(np.int64)
