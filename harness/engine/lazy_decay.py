"""Decay of every row at every step, at the cost of those in the batch: other rows owe theirs until they are read."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from harness.engine import memory


class LazyDecay:
    """Each step takes the share `rate` of every weight; the step a row is decayed up to is kept in decayed_R."""

    def __init__(self, rate: float, num_rows: int, device: torch.device) -> None:
        self.active = rate > 0
        self._rate = rate
        self._decayed_R = memory.zeros(num_rows if self.active else 0, dtype=torch.int32, device=device)

    @property
    def kept(self) -> float:
        """The share of a weight that one step leaves."""
        return 1 - self._rate

    def owed(self, step: int, rows: Tensor | None = None) -> Tensor:
        """What rows (None: all) are yet to be multiplied with to be decayed up to this step: (1 - rate) ** missed."""
        last_step = self._decayed_R if rows is None else self._decayed_R.index_select(0, rows)
        return torch.exp((step - last_step).clamp_(min=0) * math.log1p(-self._rate))

    def pay(self, weight_RD: Tensor, rows_K: Tensor, weight_KD: Tensor, step: int) -> None:
        """Decay rows up to the step before this one, in the table and in their copy weight_KD.

        The update of this step decays them once more, so they are marked as decayed up to this step.
        """
        weight_KD *= self.owed(step - 1, rows_K)[:, None]
        weight_RD.index_copy_(0, rows_K, weight_KD)
        self._decayed_R.index_fill_(0, rows_K, step)

    def stop(self, weight_RD: Tensor, step: int) -> None:
        """Take what all rows owe by now; from here on they owe nothing."""
        if self.active:
            weight_RD *= self.owed(step)[:, None]
        self.active = False

    def reset(self, which: Tensor | slice, step: int) -> None:
        """Rows redrawn at this step owe nothing from before."""
        if self.active:
            self._decayed_R[which] = step

    def state(self) -> dict[str, Any]:
        return {"active": self.active, "decayed_R": self._decayed_R}

    def restore(self, state: dict[str, Any]) -> None:
        self.active = state["active"]
        self._decayed_R.copy_(state["decayed_R"])
