"""Row optimisers: pure functions from the gradient and state of the touched rows to their update.

Each takes grad_KD, the state block state_KS (changed in place), and age_K, the number of optimiser steps since the
row's state was last cleared; it returns update_KD, to be subtracted from the weights. The state is laid out as S
columns beside the weights of the row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.api import TableSpec

Step = Callable[[Tensor, Tensor, Tensor, TableSpec], Tensor]


@dataclass(frozen=True)
class RowOptimizer:
    """columns(D): how many numbers of state a row of width D has."""

    columns: Callable[[int], int]
    step: Step


def _adam(grad: Tensor, state: Tensor, age: Tensor, spec: TableSpec) -> Tensor:
    """Lazy Adam (Kingma and Ba 2015, on touched rows): moments of absent rows stay as they are, as torch SparseAdam."""
    mean, square = state.chunk(2, dim=1)
    mean.lerp_(grad, 1 - spec.beta1)
    square.mul_(spec.beta2).addcmul_(grad, grad, value=1 - spec.beta2)
    # expm1 keeps 1 - beta ** age exact in float32, where beta2 = .999 would lose four digits
    correct1 = -torch.expm1(age * math.log(spec.beta1))
    correct2 = -torch.expm1(age * math.log(spec.beta2))
    rate = spec.lr * correct2.sqrt_() / correct1
    return mean / square.sqrt().add_(spec.eps) * rate[:, None]


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
    "adam": RowOptimizer(lambda d: 2 * d, _adam),
    "adagrad": RowOptimizer(lambda d: d, _adagrad),
    "rowwise_adagrad": RowOptimizer(lambda d: 1, _rowwise_adagrad),
    "sgd": RowOptimizer(lambda d: 0, _sgd),
}
