"""The latest ids of each of many users, as rows come in order of time; compiled by numba and cached on disk."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def latest(
    user_N: Any, until_N: Any, user_E: Any, time_E: Any, id_E: Any, ring_UL: Any, size_U: Any, values_M: Any,
    length_N: Any,
) -> Any:  # fmt: skip
    """Write the latest ids of each row's user, of events until a time that the row tells, the oldest first; how many
    ids that are.

    until_N, time_E: ascending. ring_UL, size_U: the latest ids of each user in a ring, and how many have come in all;
    all events until the last row's time are among them afterwards.
    """
    most, event, at = ring_UL.shape[1], 0, 0
    for n in range(user_N.size):
        while event < time_E.size and time_E[event] <= until_N[n]:
            user = user_E[event]
            ring_UL[user, size_U[user] % most] = id_E[event]
            size_U[user] += 1
            event += 1
        user = user_N[n]
        start = max(0, size_U[user] - most)
        length_N[n] = size_U[user] - start
        for k in range(start, size_U[user]):
            values_M[at] = ring_UL[user, k % most]
            at += 1
    return at
