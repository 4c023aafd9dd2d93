"""The two loops that torch has no fast operator for on a CPU, compiled by numba and cached on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numba import njit
from torch import Tensor

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _distinct(rows: I32, slot: I32, found: I64, inverse: I32, count: I32) -> int:
    k = 0
    for i in range(rows.size):
        row = rows[i]
        at = slot[row]
        if at < 0:
            at = k
            slot[row] = k
            found[k] = row
            count[k] = 0
            k += 1
        inverse[i] = at
        count[at] += 1
    for j in range(k):
        slot[found[j]] = -1
    return k


@njit(cache=True, nogil=True, fastmath=False)
def _segment_sum(grad: Any, inverse: I32, out: Any) -> None:
    out[:] = 0
    for i in range(grad.shape[0]):
        at = inverse[i]
        for d in range(grad.shape[1]):
            out[at, d] += grad[i, d]


class Distinct:
    """Finds the distinct rows of a batch in one pass, without sorting: a slot per table row remembers where.

    On a GPU `torch.unique` does the same, in ascending order of rows.
    """

    def __init__(self, num_rows: int, device: torch.device) -> None:
        self._slot = np.full(num_rows, -1, np.int32) if device.type == "cpu" else None

    def __call__(self, rows_I: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Int32 rows_I -> int64 rows_K in order of first occurrence, int32 inverse_I and count_K."""
        if self._slot is None:
            rows, inverse, count = torch.unique(rows_I, return_inverse=True, return_counts=True)
            return rows.long(), inverse.int(), count.int()
        found = np.empty(len(rows_I), np.int64)
        inverse, count = np.empty(len(rows_I), np.int32), np.empty(len(rows_I), np.int32)
        k = _distinct(rows_I.numpy(), self._slot, found, inverse, count)
        return torch.from_numpy(found[:k]), torch.from_numpy(inverse), torch.from_numpy(count[:k])


def segment_sum(grad_ID: Tensor, inverse_I: Tensor, num: int) -> Tensor:
    """Sum the rows of grad_ID that share an inverse: float32 [num, D], in order of i, so always the same bits."""
    out = torch.empty((num, grad_ID.shape[1]), dtype=torch.float32, device=grad_ID.device)
    if grad_ID.device.type == "cpu":
        _segment_sum(grad_ID.numpy(), inverse_I.numpy(), out.numpy())
        return out
    return out.zero_().index_add_(0, inverse_I, grad_ID)
