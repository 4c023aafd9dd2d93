"""Training batches: shuffled examples as rows of the fused table, with the distinct rows of each batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from harness.api import Strategy, UserError, defining
from harness.base import seeds
from harness.data.indexed import IndexedSplit, Ints
from harness.engine import kernels, memory
from harness.engine.hook_answers import instance
from harness.engine.row_mapping import RowMapping

BLOCK = 16_384
"""Examples that lie together on disk and are read together, where the data is larger than a window."""


@dataclass(frozen=True)
class DistinctRows:
    """The fused rows of a batch."""

    rows_BC: Tensor
    """int32: as looked up."""
    rows_K: Tensor
    """int64: each once, in order of first occurrence."""
    inverse_I: Tensor
    """int32: for each of rows_BC, its place in rows_K."""
    count_K: Tensor
    """int32: how often each of rows_K occurs."""

    def to(self, device: torch.device) -> DistinctRows:
        return DistinctRows(*(t.to(device, non_blocking=True) for t in vars(self).values()))


@dataclass(frozen=True)
class Batch:
    """B examples to train on."""

    rows: DistinctRows
    labels_BT: Tensor
    """float32: 0 or 1."""
    known_BT: Tensor | None
    """float32: 1 where the label is known, else 0. None: all are known."""
    truth_BT: Tensor | None = None
    """float32, on the CPU: the probability that generated each label. None unless it was asked for."""

    def to(self, device: torch.device) -> Batch:
        known = None if self.known_BT is None else self.known_BT.to(device, non_blocking=True)
        return Batch(self.rows.to(device), self.labels_BT.to(device, non_blocking=True), known, self.truth_BT)


class DistinctFinder:
    """Finds the distinct rows of a batch without sorting: one number per table row remembers where it was found."""

    def __init__(self, num_rows: int) -> None:
        self._where_R = memory.zeros(num_rows, dtype=torch.int32).sub_(1)

    def __call__(self, rows_BC: Tensor) -> DistinctRows:
        """rows_BC: int32, contiguous. Two threads must not call this at once."""
        size = rows_BC.numel()
        found_I = torch.empty(size, dtype=torch.int64)
        inverse_I, count_I = torch.empty(size, dtype=torch.int32), torch.empty(size, dtype=torch.int32)
        k = kernels.apply(kernels.distinct, rows_BC.reshape(-1), self._where_R, found_I, inverse_I, count_I)
        return DistinctRows(rows_BC, found_I[:k], inverse_I, count_I[:k])


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
        self._tables_C = [mapping.fields[f] for f in mapping.column_field_C.tolist()]
        self._starts = np.arange(0, len(split), BLOCK)
        self._blocks = min(max(1, window // BLOCK), len(self._starts))
        held, tasks = min(self._blocks * BLOCK, len(split)), split.labels_NT.shape[1]
        self._rows_WC = memory.zeros(held, len(mapping.columns_C), dtype=torch.int32)
        self._labels_WT = memory.zeros(held, tasks, dtype=torch.uint8)
        self._known_WT = None if split.observed_NT is None else np.empty(self._labels_WT.shape, np.bool_)
        self._truth_WT = None if self._split.truth_NT is None else np.empty(self._labels_WT.shape, np.float32)
        if self._whole:
            self._load(self._starts)

    @property
    def _whole(self) -> bool:
        return self._blocks == len(self._starts)

    def __len__(self) -> int:
        """Batches per epoch."""
        windows, rest = divmod(len(self._split), len(self._rows_WC))
        return sum(-(-n // self._batch_size) for n in (*[len(self._rows_WC)] * windows, rest))

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """All batches in the order of this epoch; the last of a window may be smaller."""
        random = seeds.generator(self._seed, "shuffle", epoch)
        for starts in self._windows(random):
            size = len(self._rows_WC) if self._whole else self._load(starts)
            order = random.permutation(size)
            for at in range(0, size, self._batch_size):
                yield self._batch(order[at : at + self._batch_size])

    def _windows(self, random: np.random.Generator) -> Iterator[Ints]:
        """Where the blocks of each window start: at random, but a last block that is not full comes last."""
        full = len(self._split) // BLOCK
        starts = np.concatenate([random.permutation(self._starts[:full]), self._starts[full:]])
        for at in range(0, len(starts), self._blocks):
            yield starts[at : at + self._blocks]

    def _load(self, starts: Ints) -> int:
        """Read these blocks and return the number of examples now held."""
        at = 0
        for start in starts:
            part = slice(start, start + BLOCK)
            codes_MF = torch.from_numpy(np.array(self._split.codes_NF[part]))
            into = slice(at, at + len(codes_MF))
            self._rows_WC[into] = self._mapping.rows_BC(codes_MF)
            self._labels_WT[into] = torch.from_numpy(np.array(self._split.labels_NT[part]))
            if self._known_WT is not None and self._split.observed_NT is not None:
                self._known_WT[into] = self._split.observed_NT[part]
            if self._truth_WT is not None and self._split.truth_NT is not None:
                self._truth_WT[into] = self._split.truth_NT[part]
            at += len(codes_MF)
        self._split.release()
        return at

    def _batch(self, index_B: Ints) -> Batch:
        rows_BC = torch.empty((len(index_B), self._rows_WC.shape[1]), dtype=torch.int32)
        labels_BT = torch.empty((len(index_B), self._labels_WT.shape[1]))
        kernels.apply(kernels.take, self._rows_WC, self._labels_WT, index_B, rows_BC, labels_BT)
        if self._hooks:
            rows_BC = self._changed(rows_BC)
        known_BT = None if self._known_WT is None else torch.from_numpy(self._known_WT[index_B]).float()
        truth_BT = None if self._truth_WT is None else torch.from_numpy(self._truth_WT[index_B])
        return Batch(self._distinct(rows_BC), labels_BT, known_BT, truth_BT).to(self._device)

    def _changed(self, rows_BC: Tensor) -> Tensor:
        """The rows that strategies want looked up."""
        out_BC = rows_BC
        for strategy in self._hooks:
            out_BC = instance(strategy.on_lookup(out_BC, self._tables_C), Tensor, strategy, "on_lookup")
        kind, last = (rows_BC.shape, rows_BC.dtype), self._mapping.num_rows - 1
        if (out_BC.shape, out_BC.dtype) != kind or not 0 <= out_BC.min() <= out_BC.max() <= last:
            raise UserError(
                f"on_lookup of {'+'.join(s.name for s in self._hooks)} gives {out_BC.dtype} {tuple(out_BC.shape)}, "
                f"{out_BC.min()} to {out_BC.max()}; accepted: {rows_BC.dtype} {tuple(rows_BC.shape)}, 0 to {last}"
            )
        return out_BC.contiguous()
