"""Numbers for ids as they come: a hash table that grows, compiled, and counts occurrences in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
FULL = 0.6
"""Share of the table in use at which it doubles."""
BYTES_PER_ID = 46
"""That an id takes at least at the end, when codes become positions: measured, 51 to 59."""
_M1, _M2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_S33, _ONE = np.uint64(33), np.uint64(1)
BLOCK = 64
"""Ids that are looked up together."""


@njit(cache=True, nogil=True, inline="always")
def _slot_of(identity: Any, mask: Any) -> Any:
    x = np.uint64(identity)
    x = (x ^ (x >> _S33)) * _M1
    x = (x ^ (x >> _S33)) * _M2
    return (x ^ (x >> _S33)) & mask


@njit(cache=True, nogil=True)
def _code(ids_N: Any, start: Any, training: Any, slot: Any, ids: Any, count: Any, used: Any, code_N: Any) -> Any:
    """Code from `start` on until the table is full; where it stopped, and how many ids there are.

    Ids are looked up by blocks, in one loop for each read from memory, so that its waits overlap. What is not found so
    is sought one by one, and added.
    """
    mask, limit = np.uint64(slot.size - 1), ids.size
    at_B, code_B = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.int32)
    found_B = np.empty(BLOCK, np.bool_)
    for first in range(start, ids_N.size, BLOCK):
        size = min(BLOCK, ids_N.size - first)
        for b in range(size):
            at_B[b] = _slot_of(ids_N[first + b], mask)
        for b in range(size):
            code_B[b] = slot[at_B[b]]
        for b in range(size):
            found_B[b] = code_B[b] >= 0 and ids[np.uint64(max(code_B[b], 0))] == ids_N[first + b]
        for b in range(size):
            code, at, identity = code_B[b], at_B[b], ids_N[first + b]
            if not found_B[b]:
                code = slot[at]
                while code >= 0 and ids[np.uint64(code)] != identity:
                    at = (at + _ONE) & mask
                    code = slot[at]
            if code < 0:
                if used == limit:
                    return first + b, used
                code = np.int32(used)
                slot[at], ids[code], count[code] = code, identity, 0
                used += 1
            code_N[first + b] = code
            count[np.uint64(code)] += training
    return ids_N.size, used


@njit(cache=True, nogil=True)
def _place(ids: Any, used: Any, slot: Any) -> Any:
    mask = np.uint64(slot.size - 1)
    for code in range(used):
        at = _slot_of(ids[code], mask)
        while slot[at] >= 0:
            at = (at + _ONE) & mask
        slot[at] = code


@njit(cache=True, nogil=True)
def _add(count: Any, code_M: Any, begin_N: Any, length_N: Any, change_M: Any) -> Any:
    """Count every value as often as lists hold it. change_M: zeros, one more than values."""
    for n in range(begin_N.size):
        change_M[begin_N[n]] += 1
        change_M[begin_N[n] + length_N[n]] -= 1
    times = 0
    for m in range(code_M.size):
        times += change_M[m]
        count[code_M[m]] += times


@njit(cache=True, nogil=True)
def translate(code_NF: Any, position_V: Any, start_F: Any) -> Any:
    """In place: code c of field f becomes position_V[start_F[f] + c]."""
    for n in range(code_NF.shape[0]):
        for f in range(code_NF.shape[1]):
            code_NF[n, f] = position_V[start_F[f] + code_NF[n, f]]


class Vocabulary:
    """Codes ids in order of first appearance; `finish` tells where each stands in ascending order."""

    def __init__(self, size: int = 1 << 12) -> None:
        self._slot = np.full(size, -1, np.int32)
        self._ids = np.empty(int(size * FULL), np.int64)
        self._count = np.empty(len(self._ids), np.int64)
        self.used = 0

    def code(self, ids_N: Ints, *, training: bool) -> Codes:
        """int32 code of each id, 0 .. used - 1; training: whether occurrences are counted."""
        code_N = np.empty(len(ids_N), np.int32)
        start = 0
        while True:
            start, self.used = _code(
                ids_N, start, int(training), self._slot, self._ids, self._count, self.used, code_N
            )  # fmt: skip
            if start == len(ids_N):
                return code_N
            self._grow()

    def count(self, code_M: Codes, begin_N: Ints, length_N: Ints) -> None:
        """Add the occurrences of coded values in lists: code_M[begin_N[n] : begin_N[n] + length_N[n]] for each n."""
        _add(self._count, code_M, begin_N, length_N, np.zeros(len(code_M) + 1, np.int64))

    def finish(self) -> tuple[Ints, Ints, Codes]:
        """ids_V ascending, count_V in training, and the position in them of each code."""
        order = np.argsort(self._ids[: self.used])
        position = np.empty(self.used, np.int32)
        position[order] = np.arange(self.used, dtype=np.int32)
        return self._ids[order], self._count[order], position

    def _grow(self) -> None:
        """Raises:
        OverflowError: there are more ids than int32 can number.
        """
        size = 2 * len(self._slot)
        if size * FULL > np.iinfo(np.int32).max:
            raise OverflowError(f"more than {self.used:,} distinct ids in one table; accepted: up to so many")
        self._slot = np.full(size, -1, np.int32)
        more = int(size * FULL) - len(self._ids)
        self._ids = np.concatenate([self._ids, np.empty(more, np.int64)])
        self._count = np.concatenate([self._count, np.empty(more, np.int64)])
        _place(self._ids, self.used, self._slot)
