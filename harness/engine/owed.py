"""What a row owes for steps that missed it, as its optimiser and decay say, however many they are."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from harness.api import TableSpec
from harness.engine import drift_kernel, kernels
from harness.engine.kernels import ONES
from harness.engine.missed_steps import REACH, drift, keeps, rules

DRIFTING = "adam_dense"
"""The optimiser that moves rows without a gradient."""


class Owed:
    """Decay of weights, and the drift of dense Adam. Of each row it is told how many steps missed it.

    compiled: drift by the compiled kernel, which needs a CPU, rather than by its definition in torch.
    rate: the share of a weight that every step takes. drifts: whether rows move without a gradient.
    """

    def __init__(self, spec: TableSpec, device: torch.device, *, compiled: bool) -> None:
        self._spec, self._device, self._compiled = spec, device, compiled
        self.rate, self.drifts = spec.lr * spec.decay, spec.optimizer == DRIFTING
        self._left_M = self._log_left_M = ONES
        if self.drifts:
            args = self.rate, spec.absent_decay
            self._rules = rules(spec.beta1, spec.beta2, *args).to(device)
            self._keeps_J = torch.from_numpy(keeps(*args).astype(np.float32)).to(device)

    def reach(self, step: int) -> None:
        """Let the table of `_left_by_absence` hold whatever can be missed by this step, without looking at what is.

        It ends where nothing is left, so that it is no longer than 1 / absent_decay.
        """
        if self._spec.absent_decay and self._left_M.numel() <= min(step, end := int(1 / self._spec.absent_decay) + 2):
            share_M = self._spec.absent_decay * np.arange(min(max(1024, 2 * step + 1), end + 1))
            keep_M = 1 - np.minimum(1, share_M)
            self._left_M = torch.from_numpy(np.cumprod(keep_M).astype(np.float32)).to(self._device)
            with np.errstate(divide="ignore"):
                log_M = np.log(keep_M) + np.log1p(-self.rate) * (np.arange(len(keep_M)) > 0)
            self._log_left_M = torch.from_numpy(np.cumsum(log_M)).to(self._device)

    def left(self, missed_I: Tensor, untouched_I: Tensor) -> Tensor:
        """What decay leaves of a weight after so many missed steps; empty: all of it."""
        keep_I = torch.exp(missed_I * math.log1p(-self.rate)) if self.rate else ONES
        if self._spec.absent_decay:
            left_I = self._left_by_absence(missed_I).masked_fill(untouched_I, 1.0)
            keep_I = keep_I * left_I if keep_I.numel() else left_I
        return keep_I

    def left_further(self, before_J: Tensor, missed_J: Tensor) -> Tensor:
        """What decay leaves of a weight in the missed steps of an absence after those before."""
        last = len(self._log_left_M) - 1
        now_J, then_J = (self._log_left_M[m.clamp(max=last)] for m in (before_J + missed_J, before_J))
        log_J = now_J - then_J  # nan: nothing was left before
        return torch.where(missed_J > 0, log_J.exp().nan_to_num(0.0), 1.0).float()

    def drifted(
        self, store_RS: Tensor, rows_I: Tensor, missed_I: Tensor, age_I: Tensor, keep_I: Tensor, scale_I: Tensor,
        *, write: bool,
    ) -> Tensor:  # fmt: skip
        """Weights [I, D] of rows after their missed steps; with `write` in the table too, and moments with them.

        age_I: at the last touch. keep_I: what is left of weights. scale_I: of the updates; empty: 1.
        """
        tail_I = self._left_beyond(missed_I)
        step_rows = self._drifted_compiled if self._compiled else self._drifted
        return step_rows(store_RS, rows_I, missed_I, age_I, keep_I, scale_I, tail_I, write)

    def drift_further(
        self, block_JS: Tensor, before_J: Tensor, missed_J: Tensor, age_J: Tensor, keep_J1: Tensor
    ) -> Tensor:  # fmt: skip
        """The drift [J, D] in the missed steps of an absence after those before, up to which moments are worked out.

        It is that of the whole absence less what decay has left of the drift before.
        age_J: at the last touch. keep_J1: of `left_further`.
        """
        spec = self._spec
        _, mean_JD, square_JD = block_JS.chunk(3, dim=1)
        there_J, faded_J2 = before_J < REACH, self._faded(-before_J)
        mean_JD, square_JD = (
            torch.where(there_J[:, None] & (moment_JD != 0), moment_JD * faded_J1, 0)
            for moment_JD, faded_J1 in ((mean_JD, faded_J2[:, :1]), (square_JD, faded_J2[:, 1:]))
        )
        whole_JD, earlier_JD = (
            drift(mean_JD, square_JD, m, age_J, self._rules, self._keeps_J, spec) * self._left_beyond(m)[:, None]
            for m in (before_J + missed_J, before_J)
        )
        return spec.lr * (whole_JD - earlier_JD * keep_J1)

    def _drifted(
        self, store_RS: Tensor, rows_I: Tensor, missed_I: Tensor, age_I: Tensor, keep_I: Tensor, scale_I: Tensor,
        tail_I: Tensor, write: bool,
    ) -> Tensor:  # fmt: skip
        """The definition, on any device."""
        spec, block_IS = self._spec, store_RS.index_select(0, rows_I)
        weight_ID, mean_ID, square_ID = block_IS.chunk(3, dim=1)
        moved_ID = drift(mean_ID, square_ID, missed_I, age_I, self._rules, self._keeps_J, spec) * spec.lr
        for factor_I in (scale_I, tail_I):
            moved_ID = moved_ID * factor_I[:, None] if factor_I.numel() else moved_ID
        out_ID = (weight_ID * keep_I[:, None] if keep_I.numel() else weight_ID) - moved_ID
        if write:
            faded_I2 = self._faded(missed_I)
            mean_ID, square_ID = mean_ID * faded_I2[:, :1], square_ID * faded_I2[:, 1:]
            store_RS.index_copy_(0, rows_I, torch.cat([out_ID, mean_ID, square_ID], dim=1))
        return out_ID

    def _drifted_compiled(
        self, store_RS: Tensor, rows_I: Tensor, missed_I: Tensor, age_I: Tensor, keep_I: Tensor, scale_I: Tensor,
        tail_I: Tensor, write: bool,
    ) -> Tensor:  # fmt: skip
        """The same in one pass, on a CPU."""
        spec, out_ID = self._spec, torch.empty(len(rows_I), store_RS.shape[1] // 3)
        factors = keep_I, scale_I, tail_I, self._rules, self._keeps_J
        numbers = spec.lr, spec.beta1, spec.beta2, spec.eps, write
        kernels.apply(drift_kernel.catch_up, store_RS, rows_I, missed_I, age_I, *factors, *numbers, out_ID)
        return out_ID

    def _faded(self, steps_I: Tensor) -> Tensor:
        """What so many steps leave of both moments, [I, 2]."""
        betas_2 = torch.tensor([self._spec.beta1, self._spec.beta2], device=steps_I.device)
        return torch.exp(steps_I[:, None] * betas_2.log())

    def _left_beyond(self, missed_I: Tensor) -> Tensor:
        """What decay leaves of the drift of the first REACH steps in the missed steps after them; empty: all of it."""
        beyond_I = (missed_I - REACH).clamp(min=0)
        left_I = torch.exp(beyond_I * math.log1p(-self.rate)) if self.rate else ONES
        if self._spec.absent_decay:
            there = self._left_by_absence(missed_I.clamp(max=REACH)).clamp(min=torch.finfo(torch.float32).tiny)
            ratio_I = torch.where(beyond_I > 0, self._left_by_absence(missed_I) / there, 1.0)
            left_I = left_I * ratio_I if left_I.numel() else ratio_I
        return left_I

    def _left_by_absence(self, missed_I: Tensor) -> Tensor:
        """The product over j of 1 - min(1, j * absent_decay), to so many missed steps."""
        return self._left_M[missed_I.long().clamp(max=len(self._left_M) - 1)]
