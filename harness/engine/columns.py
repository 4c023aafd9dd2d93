"""The rows that one example looks up, column by column, and the vectors that the net reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.api import FieldTable, LookupColumn, Positions
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import kernels
from harness.engine.list_kernels import ALONE, MEAN, SUM, spread

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
NO_WEIGHTS: Floats = np.empty(0, np.float32)


@dataclass(frozen=True)
class Rows:
    """What B examples look up."""

    rows_BC: Tensor
    """int32: rows of the fused table; -1 where a list is shorter than its columns."""
    scale_BC: Tensor | None = None
    """float32: what each row is multiplied with; 0 where there is none. None: 1 everywhere."""
    length_BQ: Tensor | None = None
    """int64: the length of each sequence whose ids the net reads one by one. None: there is no such sequence."""

    @property
    def lengths(self) -> tuple[Tensor, ...]:
        """What a net is given beside the embeddings."""
        return () if self.length_BQ is None else (self.length_BQ,)

    def to(self, device: torch.device) -> Rows:
        return Rows(*(None if t is None else t.to(device) for t in vars(self).values()))  # type: ignore[arg-type]


@dataclass(frozen=True)
class ListColumns:
    """The columns of one list field."""

    code_M: Codes
    weight_M: Floats
    """Empty: 1."""
    hashes: int
    """H: rows per id."""
    first: int
    longest: int
    way: int
    """As in `list_kernels`."""


@dataclass(frozen=True)
class Columns:
    """C columns: those of single ids, of lists, then of numbers. The S vectors: of single ids, pooled lists, numbers,
    then of each place in a sequence that the net reads id by id."""

    pick_C: Tensor
    """int32: which of the F * H rows of single ids exist."""
    slot_C: Tensor
    """int32: the vector that each column is added to."""
    of_ids: tuple[LookupColumn, ...]
    """The columns of single ids and of lists."""
    lists: tuple[ListColumns, ...] = ()
    numbers: tuple[FieldTable, ...] = ()
    """Two rows each: for a missing number, and the one that the number multiplies."""
    names: tuple[str, ...] = ()
    """Of the vectors, but for those of places in sequences."""
    positions: tuple[Positions, ...] = ()

    @property
    def vectors(self) -> int:
        """S."""
        return len(self.names) + sum(each.longest for each in self.positions)

    def fill(
        self, ids_BC: Tensor, remap_VH: Tensor, number_BP: Floats | None, begin_BG: Ints | None, length_BG: Codes | None
    ) -> Rows:
        """All columns of a batch, from those of single ids, its numbers and its lists."""
        if number_BP is None and begin_BG is None:
            return Rows(ids_BC)
        rows_BC = torch.empty((len(ids_BC), len(self.slot_C)), dtype=torch.int32)
        scale_BC = torch.ones(rows_BC.shape)
        rows_BC[:, : ids_BC.shape[1]] = ids_BC
        if begin_BG is not None and length_BG is not None:
            for g, each in enumerate(self.lists):
                kernels.apply(
                    spread, begin_BG[:, g], length_BG[:, g], each.code_M, each.weight_M, remap_VH, each.hashes,
                    each.first, each.longest, each.way, rows_BC, scale_BC,
                )  # fmt: skip
        if number_BP is not None:
            self._fill_numbers(torch.from_numpy(number_BP), rows_BC, scale_BC)
        return Rows(rows_BC, scale_BC, self._lengths(length_BG))

    def _fill_numbers(self, number_BP: Tensor, rows_BC: Tensor, scale_BC: Tensor) -> None:
        missing_BP, offset_P = number_BP.isnan(), torch.tensor([table.offset for table in self.numbers])
        rows_BC[:, -len(self.numbers) :] = (offset_P + ~missing_BP).to(torch.int32)
        scale_BC[:, -len(self.numbers) :] = number_BP.masked_fill(missing_BP, 1.0)

    def _lengths(self, length_BG: Codes | None) -> Tensor | None:
        alone = [g for g, each in enumerate(self.lists) if each.way == ALONE]
        return torch.from_numpy(length_BG[:, alone].astype(np.int64)) if alone and length_BG is not None else None


def lay_out(
    dataset: IndexedDataset, tables: Sequence[FieldTable], hashes: Sequence[int], numbers: Sequence[FieldTable], *,
    alone: bool,
) -> Columns:  # fmt: skip
    """The columns of a data set.

    tables, hashes: of ids, and how many rows an id has in each. numbers: the tables of numbers. alone: whether the net
    reads the ids of sequences one by one.
    """
    fields, most = dataset.fields, max(hashes)
    table_F = [dataset.table_of(name) for name in fields]
    of_ids = [LookupColumn(tables[t], f) for f, t in enumerate(table_F) for _ in range(hashes[t])]
    slots, lists, positions = [column.place for column in of_ids], list[ListColumns](), list[Positions]()
    pooled = [each.name for each in dataset.kinds.lists if not (alone and each.ordered)]
    names = (*fields, *pooled, *(table.name for table in numbers))
    vectors, places = len(names), len(fields)
    for g, each in enumerate(dataset.kinds.lists):
        t = dataset.table_of(each.name)
        lists.append(_list_columns(dataset, g, hashes[t], len(of_ids), alone=each.name not in pooled))
        of_ids += [LookupColumn(tables[t], places + i) for i in range(each.longest) for _ in range(hashes[t])]
        places += each.longest
        if each.name in pooled:
            slots += [names.index(each.name)] * (each.longest * hashes[t])
        else:
            slots += [vectors + i for i in range(each.longest) for _ in range(hashes[t])]
            target = table_F.index(t) if t in table_F else None
            positions.append(Positions(each.name, vectors, each.longest, target))
            vectors += each.longest
    slots += [names.index(table.name) for table in numbers]
    pick = [f * most + h for f, t in enumerate(table_F) for h in range(hashes[t])]
    return Columns(
        torch.tensor(pick, dtype=torch.int32), torch.tensor(slots, dtype=torch.int32), tuple(of_ids), tuple(lists),
        tuple(numbers), names, tuple(positions),
    )  # fmt: skip


def _list_columns(dataset: IndexedDataset, g: int, hashes: int, first: int, *, alone: bool) -> ListColumns:
    """The columns of list field g, from column `first` on."""
    field, weight_M = dataset.kinds.lists[g], dataset.weights[g]
    way = ALONE if alone else MEAN if field.pool == "mean" else SUM
    weights = NO_WEIGHTS if weight_M is None else np.asarray(weight_M)
    return ListColumns(np.asarray(dataset.values[g]), weights, hashes, first, field.longest, way)
