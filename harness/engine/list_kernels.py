"""The ids of lists as columns of a batch, compiled by numba and cached on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

SUM, MEAN, ALONE = range(3)
"""How the rows of a list count: added up, averaged, or each by itself."""


@njit(cache=True, nogil=True)
def spread(
    begin_B: Any, length_B: Any, code_M: Any, weight_M: Any, remap_VH: Any, hashes: int, first: int, longest: int,
    way: int, rows_BC: Any, scale_BC: Any,
) -> None:  # fmt: skip
    """Write the rows of one list per example from column `first` on, and how much each counts.

    Columns beyond a list have row -1 and scale 0. weight_M: empty where all values weigh 1.
    """
    for b in range(begin_B.size):
        begin, length = begin_B[b], length_B[b]
        total = np.float32(length)
        if weight_M.size and way == MEAN:
            total = np.float32(0)
            for m in range(begin, begin + length):
                total += weight_M[m]
        for i in range(longest):
            scale = np.float32(0)
            if i < length:
                scale = weight_M[begin + i] if weight_M.size else np.float32(1)
                if way == MEAN:
                    scale = scale / total if total > 0 else np.float32(0)
            for h in range(hashes):
                at = first + i * hashes + h
                rows_BC[b, at] = remap_VH[code_M[begin + i], h] if i < length else -1
                scale_BC[b, at] = scale


@njit(cache=True, nogil=True)
def gather(weight_KD: Any, at_BC: Any, scale_BC: Any, slot_C: Any, out_BFD: Any) -> None:
    """Of each vector, the sum of its columns' weights times their scales."""
    out_BFD[:] = 0
    for b in range(at_BC.shape[0]):
        for c in range(at_BC.shape[1]):
            scale = scale_BC[b, c]
            if scale != 0:
                at, slot = at_BC[b, c], slot_C[c]
                for d in range(weight_KD.shape[1]):
                    out_BFD[b, slot, d] += scale * weight_KD[at, d]


@njit(cache=True, nogil=True)
def scatter(grad_BFD: Any, at_BC: Any, scale_BC: Any, slot_C: Any, out_KD: Any) -> None:
    """Of each row, the sum of the gradients of its vectors times its scales: what leads back from `gather`."""
    out_KD[:] = 0
    for b in range(at_BC.shape[0]):
        for c in range(at_BC.shape[1]):
            scale = scale_BC[b, c]
            if scale != 0:
                at, slot = at_BC[b, c], slot_C[c]
                for d in range(out_KD.shape[1]):
                    out_KD[at, d] += scale * grad_BFD[b, slot, d]
