"""What becomes of rows in steps that do not touch them: decay, and the drift of dense Adam.

It is worked out when a row is next read, so that a step costs what the rows of its batch cost.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.api import TableSpec
from harness.engine import drift_kernel, kernels, memory
from harness.engine.kernels import ONES
from harness.engine.missed_steps import REACH, drift, keeps, rules

DRIFTING = "adam_dense"
"""The optimiser that moves rows without a gradient."""


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
        self._spec, self._width, self._compiled = spec, width, compiled
        self._store_RS, self._cleared_R = store_RS, cleared_R
        num_rows, device = len(store_RS), store_RS.device
        self._rate, self._drifts = spec.lr * spec.decay, spec.optimizer == DRIFTING
        self.active = self._rate > 0 or spec.absent_decay > 0 or self._drifts
        self._since_R = memory.zeros(num_rows if self.active else 0, dtype=torch.int32, device=device)
        self._before_R = self._since_R[:0]  # steps that a row had missed when it was settled; empty: none had
        self._scale_R = torch.ones(num_rows if self._drifts and scaled else 0, device=device)
        self._left_M = self._log_left_M = ONES
        if self._drifts:
            args = self._rate, spec.absent_decay
            self._rules = rules(spec.beta1, spec.beta2, *args).to(device)
            self._keeps_J = torch.from_numpy(keeps(*args).astype(np.float32)).to(device)

    @property
    def kept(self) -> float | None:
        """The share of a weight that decay leaves in a step that touches it; None: all."""
        return 1 - self._rate if self.active and self._rate > 0 else None

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
        self._reach(step)
        if not self._before_R.numel():
            return self._worked_out(rows_I, step, write=write)
        place_J = (self._before_R.index_select(0, rows_I) > 0).nonzero()[:, 0]
        further_JD = self._further(rows_I[place_J], step)
        weight_ID = self._worked_out(rows_I, step, write=write).index_copy_(0, place_J, further_JD)
        if write:
            self._store_RS[:, : self._width].index_copy_(0, rows_I[place_J], further_JD)
        return weight_ID

    def _further(self, rows_J: Tensor, step: int) -> Tensor:
        """The weights [J, D], after this step, of rows that were settled in the middle of their absence.

        Their drift since then is that of the whole absence less what decay has left of the drift before.
        """
        spec, before_J = self._spec, self._before_R.index_select(0, rows_J).long()
        since_J = self._since_R.index_select(0, rows_J)
        missed_J = (step - since_J).clamp_(min=0)
        last = len(self._log_left_M) - 1
        now_J, then_J = (self._log_left_M[m.clamp(max=last)] for m in (before_J + missed_J, before_J))
        log_J = now_J - then_J  # nan: nothing was left before
        keep_J = torch.where(missed_J > 0, log_J.exp().nan_to_num(0.0), 1.0).float()[:, None]
        block_JS = self._store_RS.index_select(0, rows_J)
        if not self._drifts:
            return block_JS[:, : self._width] * keep_J
        weight_JD, mean_JD, square_JD = block_JS.chunk(3, dim=1)
        there_J, age_J = before_J < REACH, since_J - before_J - self._cleared_R.index_select(0, rows_J)
        faded_J2 = torch.exp(-before_J[:, None] * torch.tensor([spec.beta1, spec.beta2], device=rows_J.device).log())
        mean_JD, square_JD = (
            torch.where(there_J[:, None] & (moment_JD != 0), moment_JD * faded_J1, 0)
            for moment_JD, faded_J1 in ((mean_JD, faded_J2[:, :1]), (square_JD, faded_J2[:, 1:]))
        )
        whole_JD, earlier_JD = (
            drift(mean_JD, square_JD, m, age_J, self._rules, self._keeps_J, spec) * self._left_beyond(m)[:, None]
            for m in (before_J + missed_J, before_J)
        )
        moved_JD = spec.lr * (whole_JD - earlier_JD * keep_J)
        if self._scale_R.numel():
            moved_JD = moved_JD * self._scale_R[rows_J][:, None]
        return weight_JD * keep_J - moved_JD

    def _worked_out(self, rows_I: Tensor, step: int, *, write: bool) -> Tensor:
        """As `_caught_up`, of rows whose absence began when they were last worked out."""
        since_I = self._since_R.index_select(0, rows_I)
        untouched_I = since_I < 0
        since_I = torch.where(untouched_I, ~since_I, since_I)
        missed_I = (step - since_I).clamp_(min=0)
        keep_I = self._left(missed_I, untouched_I)
        if not self._drifts:
            weight_RD = self._store_RS[:, : self._width]
            weight_ID = weight_RD.index_select(0, rows_I) * keep_I[:, None]
            if write:
                weight_RD.index_copy_(0, rows_I, weight_ID)
            return weight_ID
        age_I = since_I - self._cleared_R.index_select(0, rows_I)
        scale_I = self._scale_R.index_select(0, rows_I) if self._scale_R.numel() else ONES
        step_rows = self._drift_compiled if self._compiled else self._drift
        return step_rows(rows_I, missed_I, age_I, keep_I, scale_I, self._left_beyond(missed_I), write)

    def _drift(
        self, rows_I: Tensor, missed_I: Tensor, age_I: Tensor, keep_I: Tensor, scale_I: Tensor, tail_I: Tensor,
        write: bool,
    ) -> Tensor:  # fmt: skip
        """The definition, on any device."""
        spec, block_IS = self._spec, self._store_RS.index_select(0, rows_I)
        weight_ID, mean_ID, square_ID = block_IS.chunk(3, dim=1)
        moved_ID = drift(mean_ID, square_ID, missed_I, age_I, self._rules, self._keeps_J, spec) * spec.lr
        for factor_I in (scale_I, tail_I):
            moved_ID = moved_ID * factor_I[:, None] if factor_I.numel() else moved_ID
        out_ID = (weight_ID * keep_I[:, None] if keep_I.numel() else weight_ID) - moved_ID
        if write:
            faded_I2 = torch.exp(missed_I[:, None] * torch.tensor([spec.beta1, spec.beta2], device=rows_I.device).log())
            mean_ID, square_ID = mean_ID * faded_I2[:, :1], square_ID * faded_I2[:, 1:]
            self._store_RS.index_copy_(0, rows_I, torch.cat([out_ID, mean_ID, square_ID], dim=1))
        return out_ID

    def _drift_compiled(
        self, rows_I: Tensor, missed_I: Tensor, age_I: Tensor, keep_I: Tensor, scale_I: Tensor, tail_I: Tensor,
        write: bool,
    ) -> Tensor:  # fmt: skip
        """The same in one pass, on a CPU."""
        spec, out_ID = self._spec, torch.empty(len(rows_I), self._width)
        factors = keep_I, scale_I, tail_I, self._rules, self._keeps_J
        numbers = spec.lr, spec.beta1, spec.beta2, spec.eps, write
        kernels.apply(drift_kernel.catch_up, self._store_RS, rows_I, missed_I, age_I, *factors, *numbers, out_ID)
        return out_ID

    def _left(self, missed_I: Tensor, untouched_I: Tensor) -> Tensor:
        """What decay leaves of a weight after so many missed steps; empty: all of it."""
        keep_I = torch.exp(missed_I * math.log1p(-self._rate)) if self._rate else ONES
        if self._spec.absent_decay:
            left_I = self._left_by_absence(missed_I).masked_fill(untouched_I, 1.0)
            keep_I = keep_I * left_I if keep_I.numel() else left_I
        return keep_I

    def _left_beyond(self, missed_I: Tensor) -> Tensor:
        """What decay leaves of the drift of the first REACH steps in the missed steps after them; empty: all of it."""
        beyond_I = (missed_I - REACH).clamp(min=0)
        left_I = torch.exp(beyond_I * math.log1p(-self._rate)) if self._rate else ONES
        if self._spec.absent_decay:
            there = self._left_by_absence(missed_I.clamp(max=REACH)).clamp(min=torch.finfo(torch.float32).tiny)
            ratio_I = torch.where(beyond_I > 0, self._left_by_absence(missed_I) / there, 1.0)
            left_I = left_I * ratio_I if left_I.numel() else ratio_I
        return left_I

    def _left_by_absence(self, missed_I: Tensor) -> Tensor:
        """The product over j of 1 - min(1, j * absent_decay), to so many missed steps."""
        return self._left_M[missed_I.long().clamp(max=len(self._left_M) - 1)]

    def _reach(self, step: int) -> None:
        """Let the table of that product hold whatever can be missed by this step, without looking at what is.

        It ends where nothing is left, so that it is no longer than 1 / absent_decay.
        """
        if self._spec.absent_decay and self._left_M.numel() <= min(step, end := int(1 / self._spec.absent_decay) + 2):
            share_M = self._spec.absent_decay * np.arange(min(max(1024, 2 * step + 1), end + 1))
            keep_M, device = 1 - np.minimum(1, share_M), self._store_RS.device
            self._left_M = torch.from_numpy(np.cumprod(keep_M).astype(np.float32)).to(device)
            with np.errstate(divide="ignore"):
                log_M = np.log(keep_M) + np.log1p(-self._rate) * (np.arange(len(keep_M)) > 0)
            self._log_left_M = torch.from_numpy(np.cumsum(log_M)).to(device)
