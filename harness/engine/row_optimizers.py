"""Row optimisers: how the touched rows of the fused table are stepped, weights and state together.

`step` is the definition, in torch on any device; on a CPU `fused_step` does the same in one pass over the rows. Both
take the table store_RS (D weights, then the optimiser's state), the distinct rows_K, their gradient grad_KD, the step,
and the step at which the state of a row was last cleared, state_reset_step_R: their difference is the age of a row.
Two factors per row may be None, for 1: scale_K of the update, and keep_K of the weight before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.api import TableSpec, UserError
from harness.base.errors import unknown
from harness.engine import kernels
from harness.engine.kernels import ONES


@dataclass(frozen=True)
class RowOptimizer:
    """One way to step rows: its definition, and the kernel that does the same."""

    columns: Callable[[int], int]
    """From D to how many numbers of state a row has."""
    update: Callable[[Tensor, Tensor, Tensor, TableSpec], Tensor]
    """From (grad_KD, state_KS, age_K, spec) to what to subtract from the weights, [K, D]; changes state_KS in place."""
    kernel: Callable[..., Any]
    """A function of `kernels`."""
    by_touch: bool = False
    """Whether a row ages by the steps that touch it, rather than by all steps."""

    def step(
        self, store_RS: Tensor, rows_K: Tensor, grad_KD: Tensor, state_reset_step_R: Tensor, step: int,
        scale_K: Tensor | None, keep_K: Tensor | None, spec: TableSpec,
    ) -> None:  # fmt: skip
        """One step of the rows, by the definition."""
        block_KS, width = store_RS.index_select(0, rows_K), grad_KD.shape[1]
        age_K = (step - state_reset_step_R.index_select(0, rows_K)).float()
        update_KD = self.update(grad_KD, block_KS[:, width:], age_K, spec)
        if scale_K is not None:
            update_KD *= scale_K[:, None]
        if keep_K is not None:
            block_KS[:, :width] *= keep_K[:, None]
        block_KS[:, :width] -= update_KD
        store_RS.index_copy_(0, rows_K, block_KS)

    def fused_step(
        self, store_RS: Tensor, rows_K: Tensor, grad_KD: Tensor, state_reset_step_R: Tensor, step: int,
        scale_K: Tensor | None, keep_K: Tensor | None, spec: TableSpec,
    ) -> None:  # fmt: skip
        """The same in one pass, on a CPU."""
        factors = (ONES if f is None else f.float().contiguous() for f in (scale_K, keep_K))
        arrays = (store_RS, rows_K, grad_KD.contiguous(), state_reset_step_R, step, *factors)
        kernels.apply(self.kernel, *arrays, spec.lr, spec.beta1, spec.beta2, spec.eps)


def _adam(grad: Tensor, state: Tensor, age: Tensor, spec: TableSpec) -> Tensor:
    """Lazy Adam (Kingma and Ba 2015, on touched rows): moments of absent rows stay as they are, as torch SparseAdam."""
    return _adam_step(grad, state, age, spec, dense=False)


def _adam_dense(grad: Tensor, state: Tensor, age: Tensor, spec: TableSpec) -> Tensor:
    """The touched rows of torch.optim.Adam on the whole table; `absence.py` has the others, if they move."""
    return _adam_step(grad, state, age, spec, dense=True)


def _adam_step(grad: Tensor, state: Tensor, age: Tensor, spec: TableSpec, *, dense: bool) -> Tensor:
    """dense: eps is added to the corrected root, as torch.optim.Adam does; SparseAdam adds it before."""
    mean, square = state.chunk(2, dim=1)
    mean.lerp_(grad, 1 - spec.beta1)
    square.mul_(spec.beta2).addcmul_(grad, grad, value=1 - spec.beta2)
    # expm1 keeps 1 - beta ** age exact in float32, where beta2 = .999 would lose four digits
    correct1 = -torch.expm1(age * math.log(spec.beta1))
    correct2 = -torch.expm1(age * math.log(spec.beta2))
    root2 = correct2.sqrt_()
    rate = spec.lr * root2 / correct1
    eps = spec.eps * root2[:, None] if dense else spec.eps
    return mean / square.sqrt().add_(eps) * rate[:, None]


def _adagrad(grad: Tensor, state: Tensor, age: Tensor, spec: TableSpec) -> Tensor:
    """Adagrad (Duchi et al. 2011): one accumulator per number."""
    state.addcmul_(grad, grad)
    return spec.lr * grad / state.sqrt().add_(spec.eps)


def _rowwise_adagrad(grad: Tensor, state: Tensor, age: Tensor, spec: TableSpec) -> Tensor:
    """Row-wise Adagrad: one accumulator per row, the mean of the squared gradient (as in FBGEMM)."""
    state.add_(grad.square().mean(dim=1, keepdim=True))
    return spec.lr * grad / state.sqrt().add_(spec.eps)


def _sgd(grad: Tensor, state: Tensor, age: Tensor, spec: TableSpec) -> Tensor:
    return spec.lr * grad


OPTIMIZERS = {
    "adam": RowOptimizer(lambda d: 2 * d, _adam, kernels.adam),
    "adam_dense": RowOptimizer(lambda d: 2 * d, _adam_dense, kernels.adam_dense),
    "adam_by_touch": RowOptimizer(lambda d: 2 * d, _adam_dense, kernels.adam_dense, by_touch=True),
    "adagrad": RowOptimizer(lambda d: d, _adagrad, kernels.adagrad),
    "rowwise_adagrad": RowOptimizer(lambda d: 1, _rowwise_adagrad, kernels.rowwise_adagrad),
    "sgd": RowOptimizer(lambda d: 0, _sgd, kernels.sgd),
}


def optimizer_of(spec: TableSpec) -> RowOptimizer:
    """The one that a table is to be stepped with.

    Raises:
        UserError: there is no such optimiser, or a number is out of range.
    """
    if spec.optimizer not in OPTIMIZERS:
        raise unknown("table optimizer", spec.optimizer, OPTIMIZERS)
    if not 0 <= spec.lr * spec.decay < 1:
        raise UserError(f"table lr {spec.lr:g} times decay {spec.decay:g} is not in [0, 1)")
    if not 0 <= spec.absent_decay <= 1:
        raise UserError(f"absent_decay {spec.absent_decay:g} is not in [0, 1]")
    for name in ("beta1", "beta2"):
        if not 0 < (beta := getattr(spec, name)) < 1:
            raise UserError(f"table {name} {beta:g} is not between 0 and 1, both left out")
    return OPTIMIZERS[spec.optimizer]
