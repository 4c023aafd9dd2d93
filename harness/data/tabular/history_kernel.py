"""The latest ids of each of many users, as rows come in order of time; compiled by numba and cached on disk."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def latest(
    user_N: Any, time_N: Any, id_N: Any, counts_N: Any, ring_UL: Any, size_U: Any, time_U: Any, before_UL: Any,
    values_M: Any, length_N: Any,
) -> Any:  # fmt: skip
    """Write what came before each row, strictly earlier in time, the oldest first; how many ids that are.

    ring_UL, size_U: the latest ids of each user in a ring, and how many have come in all. time_U, before_UL: the time
    of the user's last row, and the ids before it in order, which is what other rows of that time see too.
    """
    most, at = ring_UL.shape[1], 0
    for n in range(user_N.size):
        user = user_N[n]
        if time_U[user] != time_N[n]:
            time_U[user] = time_N[n]
            start = max(0, size_U[user] - most)
            before_UL[user, most] = size_U[user] - start
            for k in range(start, size_U[user]):
                before_UL[user, k - start] = ring_UL[user, k % most]
        length_N[n] = before_UL[user, most]
        for k in range(length_N[n]):
            values_M[at] = before_UL[user, k]
            at += 1
        if counts_N[n]:
            ring_UL[user, size_U[user] % most] = id_N[n]
            size_U[user] += 1
    return at
