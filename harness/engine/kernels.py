"""The inner loops of a training step on a CPU, compiled by numba and cached on disk.

Each is one pass over the batch and lets other Python threads run. Their definitions in torch, which run on any device,
are in `row_optimizers.py`, `row_history.py` and `embedding_tables.py`; tests hold the two together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numba import njit
from torch import Tensor

from harness.engine.prefetch import AHEAD, prefetch

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
f32 = np.float32
MOST = 2**31 - 1
"""That 32 bits count to."""
ONES = torch.empty(0)
"""Tells a kernel that a factor is 1 for all rows."""


def apply(kernel: Any, *arguments: Any) -> Any:
    """Call a kernel below with tensors on the CPU, which it reads and writes in place, and numbers."""
    return kernel(*(a.numpy() if isinstance(a, Tensor) else a for a in arguments))


@njit(cache=True, nogil=True)
def take(rows_WC: I32, labels_WT: U8, index_B: I64, rows_BC: I32, labels_BT: F32) -> None:
    """Copy the rows and labels of the examples at index_B."""
    for b in range(index_B.size):
        if b + AHEAD < index_B.size:
            prefetch(rows_WC, index_B[b + AHEAD])
            prefetch(labels_WT, index_B[b + AHEAD])
        for c in range(rows_BC.shape[1]):
            rows_BC[b, c] = rows_WC[index_B[b], c]
        for t in range(labels_BT.shape[1]):
            labels_BT[b, t] = labels_WT[index_B[b], t]


@njit(cache=True, nogil=True)
def count_labels(rows_BC: I32, labels_BT: U8, known_BT: U8, known_RT: I32, positive_RT: I32) -> None:
    """Add to each row the labels of the examples that look it up: those known, and those positive among them."""
    for b in range(rows_BC.shape[0]):
        for c in range(rows_BC.shape[1]):
            row = rows_BC[b, c]
            if row < 0:
                continue
            for t in range(labels_BT.shape[1]):
                known_RT[row, t] += known_BT[b, t]
                positive_RT[row, t] += known_BT[b, t] * labels_BT[b, t]


@njit(cache=True, nogil=True)
def distinct(rows_I: I32, where_R: I32, found_I: I64, inverse_I: I32, count_I: I32) -> int:
    """K, with the distinct rows in order of first occurrence in found_I[:K]. where_R: -1 before and after.

    A row of -1 is none: it is not counted, and its place is said to be 0.
    """
    k = 0
    for i in range(rows_I.size):
        if i + 2 * AHEAD < rows_I.size:
            prefetch(where_R, rows_I[i + 2 * AHEAD])
        row = rows_I[i]
        if row < 0:
            inverse_I[i] = 0
            continue
        at = where_R[row]
        if at < 0:
            at = k
            where_R[row] = k
            found_I[k] = row
            count_I[k] = 0
            k += 1
        inverse_I[i] = at
        count_I[at] += 1
    for j in range(k):
        where_R[found_I[j]] = -1
    return k


@njit(cache=True, nogil=True)
def segment_sum(grad_ID: F32, inverse_I: I32, out_KD: F32) -> None:
    """Sum the gradients that share a row, in order of i, so always the same bits."""
    out_KD[:] = 0
    for i in range(grad_ID.shape[0]):
        at = inverse_I[i]
        for d in range(grad_ID.shape[1]):
            out_KD[at, d] += grad_ID[i, d]


@njit(cache=True, nogil=True)
def touch(
    history_RH: I32, rows_K: I64, count_K: I32, step: int, offset_F: I64,
    history_HK: I64, field_K: I64, seen_max_F: I64,
) -> None:  # fmt: skip
    """Count the rows of a batch. history_RH: last step, seen, training count; history_HK: the same for the rows of the
    batch, with the last step before this one; field_K: the last field that starts at or before the row. Occurrences
    beyond `MOST` are not counted."""
    for k in range(rows_K.size):
        if k + AHEAD < rows_K.size:
            prefetch(history_RH, rows_K[k + AHEAD])
        row = history_RH[rows_K[k]]
        field = offset_F.size - 1
        while offset_F[field] > rows_K[k]:
            field -= 1
        history_HK[0, k] = row[0]
        row[0] = step
        row[1] = min(row[1] + count_K[k], MOST)
        history_HK[1, k] = row[1]
        history_HK[2, k] = row[2]
        field_K[k] = field
        seen_max_F[field] = max(seen_max_F[field], history_HK[1, k])


@njit(cache=True, nogil=True, inline="always")
def _at(value_K: F32, k: int) -> Any:
    """An empty array stands for ones."""
    return value_K[k] if value_K.size else f32(1)


@njit(cache=True, nogil=True, error_model="numpy")
def adam(
    store: F32, rows: I64, grad: F32, state_reset_step: I32, step: int, scale: F32, keep: F32,
    lr: float, beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    _adam(store, rows, grad, state_reset_step, step, scale, keep, lr, beta1, beta2, eps, False)


@njit(cache=True, nogil=True, error_model="numpy")
def adam_dense(
    store: F32, rows: I64, grad: F32, state_reset_step: I32, step: int, scale: F32, keep: F32,
    lr: float, beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    _adam(store, rows, grad, state_reset_step, step, scale, keep, lr, beta1, beta2, eps, True)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _adam(
    store: F32, rows: I64, grad: F32, state_reset_step: I32, step: int, scale: F32, keep: F32,
    lr: float, beta1: float, beta2: float, eps: float, dense: bool,
) -> None:  # fmt: skip
    """dense: eps is added to the corrected root."""
    width, age, rate, floor = grad.shape[1], -1, f32(0), f32(eps)
    for k in range(rows.size):
        if k + AHEAD < rows.size:
            prefetch(store, rows[k + AHEAD])
            prefetch(state_reset_step, rows[k + AHEAD])
        row = rows[k]
        if step - state_reset_step[row] != age:
            age = step - state_reset_step[row]
            root = math.sqrt(-math.expm1(age * math.log(beta2)))
            rate = f32(lr * root / -math.expm1(age * math.log(beta1)))
            floor = f32(eps * root) if dense else f32(eps)
        factor, kept = rate * _at(scale, k), _at(keep, k)
        weight, mean, square = store[row, :width], store[row, width : 2 * width], store[row, 2 * width :]
        for d in range(width):
            g = grad[k, d]
            mean[d] += (g - mean[d]) * f32(1 - beta1)
            square[d] = square[d] * f32(beta2) + g * g * f32(1 - beta2)
            weight[d] = weight[d] * kept - factor * mean[d] / (np.sqrt(square[d]) + floor)


@njit(cache=True, nogil=True, error_model="numpy")
def adagrad(
    store: F32, rows: I64, grad: F32, state_reset_step: I32, step: int, scale: F32, keep: F32,
    lr: float, beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    width = grad.shape[1]
    for k in range(rows.size):
        if k + AHEAD < rows.size:
            prefetch(store, rows[k + AHEAD])
        factor, kept, row = f32(lr) * _at(scale, k), _at(keep, k), rows[k]
        weight, square = store[row, :width], store[row, width:]
        for d in range(width):
            g = grad[k, d]
            square[d] += g * g
            weight[d] = weight[d] * kept - factor * g / (np.sqrt(square[d]) + f32(eps))


@njit(cache=True, nogil=True, error_model="numpy")
def rowwise_adagrad(
    store: F32, rows: I64, grad: F32, state_reset_step: I32, step: int, scale: F32, keep: F32,
    lr: float, beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    width = grad.shape[1]
    for k in range(rows.size):
        if k + AHEAD < rows.size:
            prefetch(store, rows[k + AHEAD])
        row, total = rows[k], f32(0)
        for d in range(width):
            total += grad[k, d] * grad[k, d]
        store[row, width] += total / f32(width)
        factor, kept = f32(lr) * _at(scale, k) / (np.sqrt(store[row, width]) + f32(eps)), _at(keep, k)
        for d in range(width):
            store[row, d] = store[row, d] * kept - factor * grad[k, d]


@njit(cache=True, nogil=True)
def sgd(
    store: F32, rows: I64, grad: F32, state_reset_step: I32, step: int, scale: F32, keep: F32,
    lr: float, beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    for k in range(rows.size):
        if k + AHEAD < rows.size:
            prefetch(store, rows[k + AHEAD])
        factor, kept, row = f32(lr) * _at(scale, k), _at(keep, k), rows[k]
        for d in range(grad.shape[1]):
            store[row, d] = store[row, d] * kept - factor * grad[k, d]
