"""From indexed ids to rows of one fused table, by the vocabulary or by the encoders of strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.api import Encoder, FieldStats, FieldTable, Strategy, UserError, vocabulary
from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit, Ints
from harness.engine.columns import Columns, Rows, lay_out

BLOCK = 1 << 18
"""Rows that are counted at a time."""


@dataclass(frozen=True)
class RowMapping:
    """Which rows of the fused table each example looks up."""

    remap_VH: Tensor
    """int32: the fused rows of each indexed id, V ids in all tables together, H rows per id. -1 pads ids with fewer."""
    fields: tuple[FieldTable, ...]
    """The tables of ids."""
    train_count_R: Tensor
    """int32: occurrences of each row in one pass over the training split."""
    columns: Columns
    shared: tuple[Ints, ...] = ()
    """By table of ids, the fused rows that all ids share that have none of their own; most often one, or none."""

    @property
    def num_rows(self) -> int:
        return len(self.train_count_R)

    @property
    def tables(self) -> tuple[FieldTable, ...]:
        """Those of ids, then those of numbers."""
        return (*self.fields, *self.columns.numbers)

    def ids_BC(self, codes_BF: Tensor) -> Tensor:
        """Fused rows of single ids: int32 [B, C]; C = F unless a field has several rows per id."""
        remap = self.remap_VH.squeeze(1)  # where H is 1: torch picks numbers faster than rows of one
        rows, pick_C = remap.index_select(0, codes_BF.reshape(-1)).view(len(codes_BF), -1), self.columns.pick_C
        return rows if rows.shape[1] == len(pick_C) else rows.index_select(1, pick_C)

    def rows_of(self, examples: IndexedSplit) -> Rows:
        """Everything that some examples, in memory, look up."""
        ids_BC = self.ids_BC(torch.from_numpy(np.array(examples.codes_NF)))
        number_NP = None if examples.numbers_NP is None else np.array(examples.numbers_NP)
        return self.columns.fill(ids_BC, self.remap_VH, number_NP, examples.begin_NG, examples.length_NG)


def map_rows(dataset: IndexedDataset, strategies: Sequence[Strategy], seed: int, *, alone: bool = False) -> RowMapping:
    """Apply the encoders of the strategies to every table, in the order of the arm, and lay the tables end to end.

    alone: whether the net reads the ids of sequences one by one.
    """
    tables: list[FieldTable] = []
    mapped: list[Ints] = []
    counts: list[npt.NDArray[np.int32]] = []
    shared: list[Ints] = []
    offset = 0
    for name, ids_V, count_V in zip(dataset.tables, dataset.ids_V, dataset.count_V, strict=True):
        rows_VH, num_rows, shared_rows = _fold(name, ids_V, count_V, strategies, seed)
        tables.append(FieldTable(name, offset, num_rows, int((count_V > 0).sum())))
        mapped.append(rows_VH + offset)
        shared.append(shared_rows + offset)
        counts.append(_count(rows_VH, count_V, num_rows))
        offset += num_rows
    numbers = _numbers(dataset, offset)
    if (total := offset + 2 * len(numbers)) > np.iinfo(np.int32).max:
        raise UserError(f"{total:,} table rows in all fields; accepted: at most {np.iinfo(np.int32).max:,}")
    hashes = [m.shape[1] for m in mapped]
    padded = [np.pad(m, ((0, 0), (0, max(hashes) - m.shape[1])), constant_values=-1) for m in mapped]
    return RowMapping(
        remap_VH=torch.from_numpy(np.concatenate(padded).astype(np.int32)),
        fields=tuple(tables),
        train_count_R=torch.from_numpy(np.concatenate([*counts, *_number_counts(dataset)])),
        columns=lay_out(dataset, tables, hashes, numbers, alone=alone),
        shared=tuple(shared),
    )


def _numbers(dataset: IndexedDataset, offset: int) -> list[FieldTable]:
    """Tables of two rows, one after the other; encoders have no say in them, as they hold no ids."""
    return [FieldTable(number.name, offset + 2 * p, 2) for p, number in enumerate(dataset.kinds.numbers)]


def _number_counts(dataset: IndexedDataset) -> list[npt.NDArray[np.int32]]:
    """How often each number is missing in training, and how often it is not."""
    value_NP = dataset.train.numbers_NP
    if value_NP is None:
        return []
    missing_P = np.zeros(value_NP.shape[1], np.int64)
    for at in range(0, len(value_NP), BLOCK):
        missing_P += np.isnan(value_NP[at : at + BLOCK]).sum(axis=0)
    return [_counted(np.array([missing, len(value_NP) - missing])) for missing in missing_P]


def _counted(count_R: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Raises:
    UserError: a row occurs more often than int32 can count.
    """
    if (most := int(count_R.max())) > np.iinfo(np.int32).max:
        raise UserError(f"a row occurs {most:,} times in training; accepted: at most {np.iinfo(np.int32).max:,} times")
    return count_R.astype(np.int32)


def _fold(
    name: str, ids_V: Ints, count_V: Ints, strategies: Sequence[Strategy], seed: int
) -> tuple[Ints, int, Ints]:  # fmt: skip
    """rows_VH, the number of rows and the shared ones after all encoders; of the plain vocabulary if no strategy has an
    encoder."""
    ids_VH, num_rows, shared = ids_V[:, None], 0, np.zeros(0, np.int64)
    for strategy in strategies:
        stats = _stats(name, ids_VH, count_V)
        encoder = strategy.encoder(stats, seeds.generator(seed, "encoder", strategy.name, name))
        if encoder is not None:
            ids_VH, num_rows = _encoded(strategy, name, encoder, ids_VH), encoder.num_rows
            shared = _shared(encoder, shared)
            for rows in (ids_VH, shared):
                _check(strategy, name, rows, num_rows)
    if num_rows:
        return ids_VH, num_rows, shared
    plain = vocabulary(_stats(name, ids_V[:, None], count_V))
    return plain.rows_of(ids_V)[:, None], plain.num_rows, _shared(plain, shared)


def _encoded(strategy: Strategy, field: str, encoder: Encoder, ids_VH: Ints) -> Ints:
    """The rows of each id, side by side.

    Raises:
        UserError: the encoder does not give whole numbers for every id in turn.
    """
    rows = np.asarray(encoder.rows_of(ids_VH.reshape(-1)))
    if rows.ndim not in (1, 2) or len(rows) != ids_VH.size or rows.dtype.kind not in "iu":
        raise UserError(
            f"strategy '{strategy.name}': encoder of field '{field}' gives rows of shape {rows.shape} and type "
            f"{rows.dtype} for {ids_VH.size} ids; accepted: integers ({ids_VH.size},), or ({ids_VH.size}, H) for H "
            "rows of each"
        )
    return rows.reshape(len(ids_VH), -1)


def _shared(encoder: Encoder, before: Ints) -> Ints:
    """The shared rows after an encoder: its own, or what it makes of those before it."""
    if encoder.shared_row is not None:
        return np.array([encoder.shared_row])
    return encoder.rows_of(before).reshape(-1) if len(before) else before


def _stats(name: str, ids_VH: Ints, count_V: Ints) -> FieldStats:
    """Distinct training ids and their counts, recounted on the rows of the stage before."""
    trained = count_V > 0
    ids_U, at = np.unique(ids_VH[trained], return_inverse=True)
    weight = np.broadcast_to(count_V[trained, None], ids_VH[trained].shape)
    count_U = np.bincount(at.reshape(-1), weights=weight.reshape(-1), minlength=len(ids_U))
    return FieldStats(name, ids_U, count_U.astype(np.int64))


def _count(rows_VH: Ints, count_V: Ints, num_rows: int) -> npt.NDArray[np.int32]:
    weight = np.broadcast_to(count_V[:, None], rows_VH.shape).reshape(-1)
    return _counted(np.bincount(rows_VH.reshape(-1), weights=weight, minlength=num_rows))


def _check(strategy: Strategy, field: str, rows: Ints, num_rows: int) -> None:
    if rows.size and (rows.min() < 0 or rows.max() >= num_rows):
        raise UserError(
            f"strategy '{strategy.name}': encoder of field '{field}' gives rows {rows.min()} to {rows.max()}; "
            f"accepted: 0 to {num_rows - 1}"
        )
