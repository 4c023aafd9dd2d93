"""What becomes of rows in steps that do not touch them: decay, and the drift of dense Adam.

It is worked out when a row is next read, so that a step costs what the rows of its batch cost.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.api import TableSpec
from harness.engine import memory
from harness.engine.kernels import ONES
from harness.engine.owed import Owed


class Absence:
    """The step up to which each row of the table is worked out, and what it owes since.

    A row that no step has touched since it was drawn owes no `absent_decay`, or it would lose its first weights. What
    `settle` works out in the middle of its absence goes on in it, in tables that adopt it too.
    store_RS: the table, which is read and written; cleared_R: the step at which the state of each row was last cleared.
    compiled: by the compiled kernel, which needs a CPU, rather than by its definition in torch. scaled: whether
    strategies scale updates; those of a row then scale its drift too, as at its last touch.
    """

    def __init__(
        self, spec: TableSpec, width: int, store_RS: Tensor, cleared_R: Tensor, *, compiled: bool, scaled: bool
    ) -> None:  # fmt: skip
        self._spec, self._width = spec, width
        self._store_RS, self._cleared_R = store_RS, cleared_R
        num_rows, device = len(store_RS), store_RS.device
        self._owed = owed = Owed(spec, device, compiled=compiled)
        self.active = owed.rate > 0 or spec.absent_decay > 0 or owed.drifts
        self._since_R = memory.zeros(num_rows if self.active else 0, dtype=torch.int32, device=device)
        self._before_R = self._since_R[:0]  # steps that a row had missed when it was settled; empty: none had
        self._scale_R = torch.ones(num_rows if owed.drifts and scaled else 0, device=device)

    @property
    def kept(self) -> float | None:
        """The share of a weight that decay leaves in a step that touches it; None: all."""
        return 1 - self._owed.rate if self.active and self._owed.rate > 0 else None

    def weights(self, rows_I: Tensor, step: int) -> Tensor:
        """The weights of rows after this step: [I, D]. Nothing is changed."""
        return self._caught_up(rows_I, step, write=False)

    def pay(self, rows_K: Tensor, step: int) -> Tensor:
        """Work out rows up to the step before this one, in the table too: their weights, [K, D].

        This step touches them, and its update decays them, so that they are marked as worked out up to this step.
        """
        weight_KD = self._caught_up(rows_K, step - 1, write=True)
        self._since_R.index_fill_(0, rows_K, step)
        if self._before_R.numel():
            self._before_R.index_fill_(0, rows_K, 0)
        return weight_KD

    def scaled(self, rows_K: Tensor, scale_K: Tensor | None) -> None:
        """Remember the factor of these rows' updates."""
        if self._scale_R.numel():
            self._scale_R[rows_K] = 1.0 if scale_K is None else scale_K.float()

    def settle(self, which: Tensor | slice, step: int) -> None:
        """Work out rows, and their moments, up to this step."""
        if self.active:
            rows_I = torch.arange(len(self._store_RS), device=self._store_RS.device)[which]
            self._caught_up(rows_I, step, write=True)
            since_I = self._since_R.index_select(0, rows_I)
            if self._spec.absent_decay:
                if not self._before_R.numel():
                    self._before_R = torch.zeros_like(self._since_R)
                self._before_R[rows_I] += torch.where(since_I < 0, 0, step - since_I).int()
            self._since_R[rows_I] = torch.where(since_I < 0, ~step, step).int()

    def stop(self, step: int) -> None:
        """Work out all rows; from here on they stay as they are."""
        self.settle(slice(None), step)
        self.active = False

    def reset(self, which: Tensor | slice, step: int) -> None:
        """Rows redrawn at this step owe nothing from before."""
        if self.active:
            self._since_R[which] = ~step
            if self._before_R.numel():
                self._before_R[which] = 0
            if self._scale_R.numel():
                self._scale_R[which] = 1.0

    def adopt(self, state: dict[str, Any], into_M: Tensor, from_M: Tensor, step: int, *, counts: bool) -> None:
        """Take rows of other tables, settled at this step; those that no step has touched still owe nothing.

        counts: whether their absence goes on; else it begins anew. So it does where the state does not tell it, as
        one of tables without such decay does not.
        """
        if not self.active:
            return
        self._since_R.fill_(~step)
        since_R, scale_R = (state[name].to(self._since_R.device) for name in ("since_R", "scale_R"))
        self._since_R[into_M] = torch.where(since_R[from_M] < 0, ~step, step).int() if len(since_R) else step
        before_R = state.get("before_R", ONES).to(self._since_R.device)
        if self._spec.absent_decay and counts and len(before_R):
            self._before_R = torch.zeros_like(self._since_R)
            self._before_R[into_M] = before_R[from_M]
        if self._scale_R.numel() and scale_R.numel():
            self._scale_R[into_M] = scale_R[from_M]

    def state(self) -> dict[str, Any]:
        found = {"since_R": self._since_R, "before_R": self._before_R, "scale_R": self._scale_R}
        return {"active": self.active, **found}

    def restore(self, state: dict[str, Any]) -> None:
        self.active = state["active"]
        self._since_R.copy_(state["since_R"])
        self._before_R = state["before_R"].to(self._since_R.device, copy=True)
        self._scale_R.copy_(state["scale_R"])

    def _caught_up(self, rows_I: Tensor, step: int, *, write: bool) -> Tensor:
        """Weights [I, D] of rows after this step; with `write` in the table too, and moments with them."""
        self._owed.reach(step)
        if not self._before_R.numel():
            return self._worked_out(rows_I, step, write=write)
        place_J = (self._before_R.index_select(0, rows_I) > 0).nonzero()[:, 0]
        further_JD = self._further(rows_I[place_J], step)
        weight_ID = self._worked_out(rows_I, step, write=write).index_copy_(0, place_J, further_JD)
        if write:
            self._store_RS[:, : self._width].index_copy_(0, rows_I[place_J], further_JD)
        return weight_ID

    def _further(self, rows_J: Tensor, step: int) -> Tensor:
        """The weights [J, D], after this step, of rows that were settled in the middle of their absence."""
        before_J = self._before_R.index_select(0, rows_J).long()
        since_J = self._since_R.index_select(0, rows_J)
        missed_J = (step - since_J).clamp_(min=0)
        keep_J1 = self._owed.left_further(before_J, missed_J)[:, None]
        block_JS = self._store_RS.index_select(0, rows_J)
        weight_JD = block_JS[:, : self._width] * keep_J1
        if not self._owed.drifts:
            return weight_JD
        age_J = since_J - before_J - self._cleared_R.index_select(0, rows_J)
        moved_JD = self._owed.drift_further(block_JS, before_J, missed_J, age_J, keep_J1)
        if self._scale_R.numel():
            moved_JD = moved_JD * self._scale_R[rows_J][:, None]
        return weight_JD - moved_JD

    def _worked_out(self, rows_I: Tensor, step: int, *, write: bool) -> Tensor:
        """As `_caught_up`, of rows whose absence began when they were last worked out."""
        since_I = self._since_R.index_select(0, rows_I)
        untouched_I = since_I < 0
        since_I = torch.where(untouched_I, ~since_I, since_I)
        missed_I = (step - since_I).clamp_(min=0)
        keep_I = self._owed.left(missed_I, untouched_I)
        if self._owed.drifts:
            age_I = since_I - self._cleared_R.index_select(0, rows_I)
            scale_I = self._scale_R.index_select(0, rows_I) if self._scale_R.numel() else ONES
            return self._owed.drifted(self._store_RS, rows_I, missed_I, age_I, keep_I, scale_I, write=write)
        weight_RD = self._store_RS[:, : self._width]
        weight_ID = weight_RD.index_select(0, rows_I) * keep_I[:, None]
        if write:
            weight_RD.index_copy_(0, rows_I, weight_ID)
        return weight_ID
