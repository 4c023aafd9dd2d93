"""The missed steps of dense Adam on a CPU, compiled: what `missed_steps.drift` defines, row by row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from harness.engine.prefetch import AHEAD, prefetch

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
f32 = np.float32

YOUNG, OLD = 8, 128
"""Rows last touched at an age below YOUNG are summed step by step; from OLD on, 1 - beta1 ** age is 1."""


@njit(cache=True, nogil=True, error_model="numpy")
def catch_up(
    store: F32, rows: I64, missed: I32, age: I32, keep: F32, scale: F32, tail: F32, table: F32, keeps: F32,
    lr: float, beta1: float, beta2: float, eps: float, write: bool, out_ID: F32,
) -> None:  # fmt: skip
    """The weights of rows after the steps they missed; with `write` in the table too, and their moments with them.

    keep: the share of the weight that decay left in these steps. scale: of the rows' updates. tail: what decay left of
    the drift in the missed steps beyond the table's.
    """
    width, reach = out_ID.shape[1], table.shape[1]
    sums, roots = np.empty(width, np.float32), np.empty(width, np.float32)
    for i in range(rows.size):
        if i + AHEAD < rows.size:
            prefetch(store, rows[i + AHEAD])
        weight = store[rows[i], :width]
        mean, square = store[rows[i], width : 2 * width], store[rows[i], 2 * width :]
        kept = keep[i] if keep.size else f32(1)
        for d in range(width):
            out_ID[i, d] = weight[d] * kept
        if missed[i] > 0 and age[i] > 0:
            within = min(missed[i], reach)
            for d in range(width):
                roots[d] = np.sqrt(square[d])
            if age[i] < YOUNG:
                _sum(roots, age[i], within, keeps, beta1, beta2, f32(eps), sums)
            else:
                _quadrature(roots, age[i], table[min(age[i], OLD) - YOUNG, within - 1], beta2, f32(eps), sums)
            factor = f32(lr) * (scale[i] if scale.size else f32(1)) * (tail[i] if tail.size else f32(1))
            for d in range(width):
                out_ID[i, d] -= factor * mean[d] * sums[d]
        if write and missed[i] > 0:
            faded1, faded2 = f32(math.exp(missed[i] * math.log(beta1))), f32(math.exp(missed[i] * math.log(beta2)))
            for d in range(width):
                weight[d] = out_ID[i, d]
                mean[d] *= faded1
                square[d] *= faded2


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _quadrature(roots: F32, age: int, rule_X3: F32, beta2: float, eps: Any, sums: F32) -> None:
    sums[:] = 0
    faded = math.exp(age * math.log(beta2))
    for x in range(rule_X3.shape[0]):
        size, root = rule_X3[x, 0], rule_X3[x, 1]
        correct = f32(math.sqrt(1 - faded + faded * rule_X3[x, 2]))
        if age >= OLD:
            size *= correct
        floor = eps * correct
        for d in range(sums.size):
            sums[d] += size / (roots[d] * root + floor)


@njit(cache=True, nogil=True, error_model="numpy")
def _sum(roots: F32, age: int, missed: int, keeps: F32, beta1: float, beta2: float, eps: Any, sums: F32) -> None:
    sums[:] = 0
    for j in range(1, missed + 1):
        size = f32(beta1**j / -math.expm1((age + j) * math.log(beta1)))
        faded = f32(math.sqrt(beta2**j / -math.expm1((age + j) * math.log(beta2))))
        for d in range(sums.size):
            sums[d] = sums[d] * keeps[j - 1] + size / (roots[d] * faded + eps)
