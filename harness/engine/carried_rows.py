"""Which rows of a run begin as which rows of a state, and with how much of what is remembered of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.data.indexed_dataset import IndexedDataset, Ints
from harness.engine.row_mapping import RowMapping

Floats = npt.NDArray[np.float64]
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


def taken(mine: Held, theirs: Held) -> tuple[Ints, Ints, Floats]:
    """Rows of this run, each once; the row of the state that each begins with, and its share of what that remembers.

    A row of several ids begins as that of the most frequent here. A shared row of none that the state knows begins as
    theirs did: training may move it without an id, as `id_dropout` does. Where ids of one row part, a row remembers as
    much as they had of the occurrences. It remembers all if none went elsewhere, and so does the shared row, as it is
    still made of those that left it.
    """
    into, source, times = _pairs(mine, theirs)
    into_M, first, at = np.unique(into, return_index=True, return_inverse=True)
    from_M = source[first]
    own_M = np.bincount(at, np.where(source == from_M[at], times, 0), len(into_M))
    shared, as_there = _others(mine), _others(theirs)
    is_shared_M = np.isin(from_M, as_there)
    together_M = (own_M == _sums(source, times, from_M)) & ~is_shared_M & (len(shared) == len(as_there))
    whole_M = _sums(theirs["rows"].numpy().reshape(-1), _times(theirs["count"].numpy(), theirs), from_M)
    share_M = np.where(together_M | is_shared_M & np.isin(into_M, shared), 1.0, own_M / np.maximum(whole_M, 1))
    return into_M.astype(np.int64), from_M.astype(np.int64), share_M


def _pairs(mine: Held, theirs: Held) -> tuple[Ints, Ints, Ints]:
    """Rows of this run, rows of the state, and occurrences there of the id that has both; what counts more is first."""
    _, here, there = np.intersect1d(mine["ids"].numpy(), theirs["ids"].numpy(), assume_unique=True, return_indices=True)
    order = np.argsort(-mine["count"].numpy()[here], kind="stable")
    into, source = mine["rows"].numpy()[here[order]].reshape(-1), theirs["rows"].numpy()[there[order]].reshape(-1)
    times, shared, as_there = _times(theirs["count"].numpy()[there[order]], theirs), _others(mine), _others(theirs)
    if len(shared) != len(as_there):
        return into, source, times
    return np.append(into, shared), np.append(source, as_there), np.append(times, np.zeros_like(shared))


def _others(table: Held) -> Ints:
    return np.asarray(table["others"].numpy().reshape(-1), np.int64)


def _times(count_U: Ints, table: Held) -> Ints:
    """Of every row of some ids, the occurrences of the id."""
    return np.repeat(count_U, table["rows"].shape[1])


def _sums(rows: Ints, times: Ints, row_M: Ints) -> Floats:
    """What `times` come to for each of these rows."""
    _, at = np.unique(np.append(rows, row_M), return_inverse=True)
    sum_N = np.bincount(at, np.append(times, np.zeros_like(row_M)))
    return sum_N[at[len(rows) :]].astype(np.float64)
