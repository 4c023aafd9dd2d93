"""Sessions of a log: rows of one group (a user) that follow each other within half an hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.synthetic.population import MOST_REPEAT

LONGEST = 1800
"""Seconds after which a group's next row is of another session."""
SAME_ROWS = 1 << 16
"""Rows by which the field is found that rows are grouped by."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sessions:
    """Of the training rows. repeat: share that another of the same session follows; gap: median seconds until then.

    by: the field that rows are grouped by. stays: by field, the share of those next rows that have the same id.
    """

    by: str
    repeat: float
    gap: float
    stays: dict[str, float]

    def knobs(self) -> dict[str, float]:
        """Of a population."""
        return {"repeat": min(self.repeat, MOST_REPEAT), "gap": self.gap}


def sessions(data: IndexedDataset) -> Sessions | None:
    """None: rows have no time, or no field is what they are grouped by."""
    split, by = data.train, _grouped_by(data)
    if by is None or split.time_N is None:
        return None
    order_N, follows_N = _in_order(split)
    at = np.flatnonzero(follows_N)
    gap_M = split.time_N[order_N[at]] - split.time_N[order_N[at - 1]]
    stays = {}
    for f, name in enumerate(data.fields):
        code_N = data.codes(split, f)
        stays[name] = float((code_N[order_N[at]] == code_N[order_N[at - 1]]).mean()) if len(at) else 0.0
    return Sessions(by, len(at) / len(split), float(np.median(gap_M)) if len(at) else 0.0, stays)


def starts(split: IndexedSplit) -> Bools:
    """Which rows begin a session, bool [N]."""
    order_N, follows_N = _in_order(split)
    first_N = np.empty(len(split), np.bool_)
    first_N[order_N] = ~follows_N
    return first_N


def session_codes(split: IndexedSplit) -> npt.NDArray[np.int64]:
    """A number of the session of each row, from 0, [N]."""
    order_N, follows_N = _in_order(split)
    code_N = np.empty(len(split), np.int64)
    code_N[order_N] = np.cumsum(~follows_N) - 1
    return code_N


def _in_order(split: IndexedSplit) -> tuple[npt.NDArray[np.int64], Bools]:
    """Rows by group and time, and whether each is of the session of the one before it."""
    assert split.time_N is not None
    assert split.group_N is not None
    order_N = np.lexsort([split.time_N, split.group_N])
    group_N, time_N = split.group_N[order_N], split.time_N[order_N]
    follows_N = np.zeros(len(split), np.bool_)
    follows_N[1:] = (group_N[1:] == group_N[:-1]) & (time_N[1:] - time_N[:-1] <= LONGEST)
    return order_N, follows_N


def _grouped_by(data: IndexedDataset) -> str | None:
    """The field whose ids and groups are one and the same."""
    if data.train.group_N is None:
        return None
    group_M = np.unique(data.train.group_N[:SAME_ROWS], return_inverse=True)[1]
    for f, name in enumerate(data.fields):
        code_M = np.unique(data.codes(data.train, f)[:SAME_ROWS], return_inverse=True)[1]
        pairs = len(np.unique(group_M * np.int64(SAME_ROWS) + code_M))
        if pairs == group_M.max() + 1 == code_M.max() + 1:
            return name
    return None
