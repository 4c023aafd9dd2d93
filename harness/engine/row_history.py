"""What has happened to each row in training, for the hooks that ask: when it was last touched, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.engine import kernels, memory
from harness.engine.batch import DistinctRows
from harness.engine.row_mapping import RowMapping

LAST, SEEN, TRAIN = range(3)
"""Columns of the history of a row: the last step that touched it, its occurrences in training so far, at most
`kernels.MOST`, and its occurrences in one pass over the training split."""


@dataclass(frozen=True)
class Touched:
    """The history of the rows of a batch, just after the batch was counted."""

    history_HK: Tensor
    """int64: the last step before this one, occurrences so far, occurrences in one pass over the training split."""
    field_K: Tensor
    """int64: the field of each row."""


class RowHistory:
    """The history of all rows, and the largest counts by field. kept: whether any strategy asks; else it is empty."""

    def __init__(self, mapping: RowMapping, device: torch.device, *, kept: bool, compiled: bool) -> None:
        self._kept, self._compiled = kept, compiled
        self._history_RH = memory.zeros(mapping.num_rows if kept else 0, 3, dtype=torch.int32, device=device)
        self._offset_F = torch.tensor([f.offset for f in mapping.tables], device=device)
        self.train_max_F = torch.stack(
            [mapping.train_count_R[f.offset : f.offset + f.num_rows].max() for f in mapping.tables]
        ).to(device, torch.int64)
        self.seen_max_F = torch.zeros_like(self.train_max_F)
        if kept:
            self._history_RH[:, TRAIN] = mapping.train_count_R

    @property
    def seen_R(self) -> Tensor:
        """Occurrences of every row in training so far."""
        return self._history_RH[:, SEEN]

    def touch(self, rows: DistinctRows, step: int) -> Touched:
        """Count a batch in the history of its rows, once per step, and say what it is now."""
        return self._touch_compiled(rows, step) if self._compiled else self._touch(rows, step)

    def _touch(self, rows: DistinctRows, step: int) -> Touched:
        """The definition, on any device."""
        history_KH = self._history_RH.index_select(0, rows.rows_K)
        history_KH[:, SEEN] = (history_KH[:, SEEN].long() + rows.count_K).clamp_(max=kernels.MOST)
        history_HK = history_KH.t().long()
        history_KH[:, LAST] = step
        self._history_RH.index_copy_(0, rows.rows_K, history_KH)
        field_K = torch.bucketize(rows.rows_K, self._offset_F, right=True) - 1
        self.seen_max_F.scatter_reduce_(0, field_K, history_HK[SEEN], "amax")
        return Touched(history_HK, field_K)

    def _touch_compiled(self, rows: DistinctRows, step: int) -> Touched:
        """The same in one pass, on a CPU."""
        history_HK = torch.empty(3, len(rows.rows_K), dtype=torch.int64)
        field_K = torch.empty_like(rows.rows_K)
        kernels.apply(
            kernels.touch, self._history_RH, rows.rows_K, rows.count_K, step,
            self._offset_F, history_HK, field_K, self.seen_max_F,
        )  # fmt: skip
        return Touched(history_HK, field_K)

    def reset(self, which: Tensor | slice) -> None:
        """No step has touched these rows since they were drawn; their occurrences still count."""
        if self._kept:
            self._history_RH[which, LAST] = 0

    def adopt(self, state: dict[str, Any], into_M: Tensor, from_M: Tensor, share_M: Tensor) -> None:
        """Take the history of rows of other tables, if it was kept there; their training counts are those of here.

        share_M: of its occurrences.
        """
        history_RH = state["history_RH"].to(self._history_RH.device)
        if not self._kept or not len(history_RH):
            return
        self._history_RH[into_M, LAST] = history_RH[from_M, LAST]
        self._history_RH[into_M, SEEN] = (history_RH[from_M, SEEN] * share_M).round().int()
        ends = [*self._offset_F.tolist()[1:], len(self._history_RH)]
        most = [self.seen_R[first:end].max() for first, end in zip(self._offset_F.tolist(), ends, strict=True)]
        self.seen_max_F.copy_(torch.stack(most))

    def state(self) -> dict[str, Any]:
        return {"history_RH": self._history_RH, "seen_max_F": self.seen_max_F}

    def restore(self, state: dict[str, Any]) -> None:
        self._history_RH.copy_(state["history_RH"])
        self.seen_max_F.copy_(state["seen_max_F"])
