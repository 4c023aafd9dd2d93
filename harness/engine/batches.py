"""Training batches: shuffled examples as rows of the fused table, with the distinct rows of each batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from harness.api import Strategy, UserError, defining
from harness.base import seeds
from harness.base.ahead import ahead
from harness.data.indexed_dataset import IndexedSplit, Ints
from harness.engine import kernels, memory
from harness.engine.batch import Batch, DistinctRows
from harness.engine.device import made_aside
from harness.engine.hook_answers import instance
from harness.engine.resident import Examples, Resident, resident
from harness.engine.row_mapping import RowMapping

BLOCK = 16_384
"""Examples that lie together on disk and are read together, where the data is larger than a window."""
AHEAD = 2
"""Batches that are made for a GPU before they are asked for."""


class DistinctFinder:
    """Finds the distinct rows of a batch without sorting: one number per table row remembers where it was found."""

    def __init__(self, num_rows: int) -> None:
        self._where_R = memory.zeros(num_rows, dtype=torch.int32).sub_(1)

    def __call__(self, rows_BC: Tensor, scale_BC: Tensor | None = None) -> DistinctRows:
        """rows_BC: int32, contiguous, with one that is not -1. Two threads must not call this at once.

        Raises:
            UserError: the batch has more lookups than 32 bits count.
        """
        if (size := rows_BC.numel()) > kernels.MOST:
            most = f"at most {kernels.MOST:,}, by a smaller train.batch_size"
            raise UserError(f"a batch looks up {size:,} ids; accepted: {most}")
        found_I = torch.empty(size, dtype=torch.int64)
        inverse_I, count_I = torch.empty(size, dtype=torch.int32), torch.empty(size, dtype=torch.int32)
        k = kernels.apply(kernels.distinct, rows_BC.reshape(-1), self._where_R, found_I, inverse_I, count_I)
        return DistinctRows(rows_BC, found_I[:k], inverse_I, count_I[:k], scale_BC)


class Batches:
    """The batches of a training split, epoch by epoch.

    window: how many examples are held in memory and shuffled together. A larger split is read in windows of whole
    blocks drawn from all over it, so that memory stays bounded. truth: whether batches hold it, for probes; training
    never reads it.
    """

    def __init__(
        self, split: IndexedSplit, mapping: RowMapping, batch_size: int, window: int, seed: int, device: torch.device,
        strategies: Sequence[Strategy] = (), *, truth: bool = False,
    ) -> None:  # fmt: skip
        self._split = split.labelled(truth=truth)
        self._mapping, self._batch_size, self._seed = mapping, batch_size, seed
        self._distinct, self._device = DistinctFinder(mapping.num_rows), device
        self._hooks = defining("on_lookup", strategies)
        self._starts = np.arange(0, len(split), BLOCK)
        self._blocks = min(max(1, window // BLOCK), len(self._starts))
        held, tasks = min(self._blocks * BLOCK, len(split)), split.labels_NT.shape[1]
        self._ids_WC = memory.zeros(held, len(mapping.columns.pick_C), dtype=torch.int32)
        self._labels_WT = memory.zeros(held, tasks, dtype=torch.uint8)
        self._held = {
            name: np.empty((held, *array.shape[1:]), array.dtype)
            for name, array in self._split.arrays().items()
            if name not in ("codes_NF", "labels_NT")
        }
        if self._whole:
            self._load(self._starts)

    @property
    def _whole(self) -> bool:
        return self._blocks == len(self._starts)

    def __len__(self) -> int:
        """Batches per epoch."""
        windows, rest = divmod(len(self._split), len(self._ids_WC))
        return sum(-(-n // self._batch_size) for n in (*[len(self._ids_WC)] * windows, rest))

    def epoch(self, epoch: int, done: int = 0) -> Iterator[Batch]:
        """All batches in the order of this epoch, but for the first `done`; the last of a window may be smaller.

        For a GPU they are made ahead: there, if it holds the examples, else here and copied. Not so if hooks of
        strategies draw random numbers in turn.
        """
        if self._device.type == "cpu" or self._hooks:
            return self.in_order(epoch, done)
        if self._resident:
            return made_aside(self._resident.batches([self.order(epoch, done)]), self._device)
        return ahead(self.in_order(epoch, done), AHEAD)

    def in_order(self, epoch: int, done: int = 0) -> Iterator[Batch]:
        """The same, each made here when it is asked for."""
        return (batch.to(self._device) for batch in self.on_cpu(epoch, done))

    def on_cpu(self, epoch: int, done: int = 0) -> Iterator[Batch]:
        """The same, before they are moved to the device."""
        return (self._batch(index_B) for index_B in self.places(epoch, done))

    def places(self, epoch: int, done: int = 0) -> Iterator[Ints]:
        """Where the examples of each batch lie, among those that are held when it is asked for."""
        random = seeds.generator(self._seed, "shuffle", epoch)
        for starts in self._windows(random):
            size = int(np.minimum(BLOCK, len(self._split) - starts).sum())
            order, begin = random.permutation(size), done * self._batch_size
            done = max(0, done - -(-size // self._batch_size))
            if begin < size and not self._whole:
                self._load(starts)
            for at in range(begin, size, self._batch_size):
                yield order[at : at + self._batch_size]

    def order(self, epoch: int, done: int = 0) -> Tensor:
        """The same of all batches, one after the other, where all examples are held."""
        return torch.from_numpy(np.concatenate([*self.places(epoch, done)]))

    @property
    def examples(self) -> Examples | None:
        """All, where they are held and batches are made of nothing but single ids."""
        others = self._held.keys() - {"observed_NT", "weight_N"}
        if others or self._hooks or not self._whole:
            return None
        known, weight = (self._held.get(name) for name in ("observed_NT", "weight_N"))
        return Examples(
            self._ids_WC,
            self._labels_WT,
            None if known is None else torch.from_numpy(known),
            None if weight is None else torch.from_numpy(weight),
            self._mapping.num_rows,
            self._batch_size,
        )

    @cached_property
    def _resident(self) -> Resident | None:
        return resident([self.examples], self._device)

    def _windows(self, random: np.random.Generator) -> Iterator[Ints]:
        """Where the blocks of each window start: at random, but a last block that is not full comes last."""
        full = len(self._split) // BLOCK
        starts = np.concatenate([random.permutation(self._starts[:full]), self._starts[full:]])
        for at in range(0, len(starts), self._blocks):
            yield starts[at : at + self._blocks]

    def _load(self, starts: Ints) -> None:
        """Read these blocks."""
        at = 0
        for start in starts:
            part = slice(start, start + BLOCK)
            codes_MF = torch.from_numpy(np.array(self._split.codes_NF[part]))
            into = slice(at, at + len(codes_MF))
            self._ids_WC[into] = self._mapping.ids_BC(codes_MF)
            self._labels_WT[into] = torch.from_numpy(np.array(self._split.labels_NT[part]))
            for name, array in self._held.items():
                array[into] = getattr(self._split, name)[part]
            at += len(codes_MF)
        self._split.release()

    def _batch(self, index_B: Ints) -> Batch:
        ids_BC = torch.empty((len(index_B), self._ids_WC.shape[1]), dtype=torch.int32)
        labels_BT = torch.empty((len(index_B), self._labels_WT.shape[1]))
        kernels.apply(kernels.take, self._ids_WC, self._labels_WT, index_B, ids_BC, labels_BT)
        held = {name: array[index_B] for name, array in self._held.items()}
        rows = self._mapping.columns.fill(
            ids_BC, self._mapping.remap_VH, held.get("numbers_NP"), held.get("begin_NG"), held.get("length_NG")
        )
        rows_BC = self._changed(rows.rows_BC) if self._hooks else rows.rows_BC
        known_BT = torch.from_numpy(held["observed_NT"]).float() if "observed_NT" in held else None
        truth_BT = torch.from_numpy(held["truth_NT"]) if "truth_NT" in held else None
        weight_B = torch.from_numpy(held["weight_N"]) if "weight_N" in held else None
        distinct = self._distinct(rows_BC, rows.scale_BC)
        return Batch(distinct, labels_BT, known_BT, truth_BT, rows.length_BQ, weight_B)

    def _changed(self, rows_BC: Tensor) -> Tensor:
        """The rows that strategies want looked up; those of numbers stay."""
        columns = self._mapping.columns.of_ids
        asked_BC = rows_BC[:, : len(columns)]
        out_BC = asked_BC.clone()  # a hook may write into it
        for strategy in self._hooks:
            out_BC = instance(strategy.on_lookup(out_BC, columns), Tensor, strategy, "on_lookup")
        names, kind = "+".join(s.name for s in self._hooks), (asked_BC.shape, asked_BC.dtype)
        last = self._mapping.fields[-1].offset + self._mapping.fields[-1].num_rows - 1
        if (out_BC.shape, out_BC.dtype) != kind or not -1 <= out_BC.min() <= out_BC.max() <= last:
            raise UserError(
                f"on_lookup of {names} gives {out_BC.dtype} {tuple(out_BC.shape)}, {out_BC.min()} to {out_BC.max()}; "
                f"accepted: {asked_BC.dtype} {tuple(asked_BC.shape)}, 0 to {last}"
            )
        if ((out_BC < 0) != (asked_BC < 0)).any():
            raise UserError(
                f"on_lookup of {names} gives -1 for an id, or an id for -1; accepted: -1 where a list has no more ids"
            )
        return torch.cat([out_BC, rows_BC[:, len(columns) :]], dim=1)
