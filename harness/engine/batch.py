"""B examples to train on: of one run, or of several side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class DistinctRows:
    """The fused rows of a batch."""

    rows_BC: Tensor
    """int32: as looked up; -1 where a list has no more ids."""
    rows_K: Tensor
    """int64: each once, in order of first occurrence."""
    inverse_I: Tensor
    """int32: for each of rows_BC, its place in rows_K; 0 where there is none, which scale_BC makes up for."""
    count_K: Tensor
    """int32: how often each of rows_K occurs."""
    scale_BC: Tensor | None = None
    """float32: what each of rows_BC is multiplied with. None: 1."""

    def to(self, device: torch.device) -> Self:
        return replace(self, **{name: _moved(value, device) for name, value in vars(self).items()})


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
    length_BQ: Tensor | None = None
    """int64: the length of each sequence whose ids the net reads one by one."""
    weight_B: Tensor | None = None
    """float32: how much each example counts. None: all alike."""

    @property
    def shown_labels_BT(self) -> Tensor:
        """A copy of the labels for hooks: -1 where one is not known, or does not count by its weight."""
        labels_BT = self.labels_BT.clone()
        if self.known_BT is not None:
            labels_BT.masked_fill_(self.known_BT == 0, -1)
        if self.weight_B is not None:
            labels_BT.masked_fill_(self.weight_B[:, None] == 0, -1)
        return labels_BT

    @property
    def tensors(self) -> list[Tensor]:
        """All that lie on the device."""
        held = (*vars(self.rows).values(), self.labels_BT, self.known_BT, self.length_BQ, self.weight_B)
        return [each for each in held if isinstance(each, Tensor)]

    def to(self, device: torch.device) -> Batch:
        return Batch(
            self.rows.to(device), _moved(self.labels_BT, device), _moved(self.known_BT, device), self.truth_BT,
            _moved(self.length_BQ, device), _moved(self.weight_B, device),
        )  # fmt: skip


@dataclass(frozen=True)
class GroupRows(DistinctRows):
    """The fused rows of S batches, one run after the other; rows_K are those of tables that lie end to end."""

    sizes_S: tuple[int, ...] = ()
    """How many of the K rows each run has."""
    first_S: tuple[int, ...] = ()
    """Where its table begins."""

    @property
    def of_runs(self) -> list[DistinctRows]:
        """What hooks of each run are shown: rows of its own table, without their places in its batch."""
        rows, counts = self.rows_K.split_with_sizes(self.sizes_S), self.count_K.split_with_sizes(self.sizes_S)
        parts = zip(rows, self.first_S, counts, self.rows_BC.chunk(len(self.sizes_S)), strict=True)
        return [
            DistinctRows(rows_BC, rows_K - first, rows_BC[:0], count_K) for rows_K, first, count_K, rows_BC in parts
        ]


def _moved(value: Any, device: torch.device) -> Any:
    """A tensor is pinned first on its way to a GPU, or its copy would wait for all that the GPU has been told to do."""
    if not isinstance(value, Tensor) or device.type == "cpu":
        return value
    return value.pin_memory().to(device, non_blocking=True)
