"""Parts of a log in order: days or another unit of its times; equal parts of its rows where it has none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.tabular.times import EARLIEST, LATEST
from harness.data.validation import SPLITS

DAY = 86_400
BLOCK = 1 << 19
"""Rows that are read together."""
MOST, PARTS = 62, 20
"""Periods, at most; parts of a log without times."""
SAMPLE, OUTSIDE = 1 << 20, 0.001
"""Rows that tell where a log begins and ends, and the share on either side that counts in its first or last period."""
FEW_DAYS, FEW_ROWS = 4, 50
"""A log of fewer days is cut finer than by day, as far as periods have so many rows."""
FINE = ((1, "second"), (60, "minute"), (300, "5 minutes"), (900, "15 minutes"), (3600, "hour"), (10_800, "3 hours"))
COARSE = ((DAY, "day"), (7 * DAY, "week"), (28 * DAY, "4 weeks"), (91 * DAY, "13 weeks"), (364 * DAY, "52 weeks"))


@dataclass(frozen=True)
class Cut:
    """How rows are put into periods. unit: in words; `part` if by rows. starts: of each period, and the last's end;
    the few rows before and after count in the first and the last.

    until: where training ends, in periods from the first, if splits follow each other. offsets: the place of the first
    row of each split among all.
    """

    unit: str
    starts: tuple[int, ...]
    dated: bool
    until: float | None
    offsets: dict[str, int]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, data: IndexedDataset, part: str, rows: slice) -> npt.NDArray[np.int16]:
        """The period of each of these rows of a split."""
        time_N = data.split(part).time_N
        if self.unit == "part" or time_N is None:
            at_N = self.offsets[part] + np.arange(*rows.indices(len(data.split(part))))
        else:
            at_N = np.asarray(time_N[rows])
        return (np.searchsorted(self.starts[1:-1], at_N, side="right")).astype(np.int16)


def cut(data: IndexedDataset) -> Cut:
    """Days, if there are 4 to 62 of them; else the next unit of which there are not too many."""
    splits = [data.split(part) for part in SPLITS]
    ends = np.cumsum([0, *map(len, splits)])
    offsets = dict(zip(SPLITS, ends[:-1].tolist(), strict=True))
    times = [split.time_N for split in splits if split.time_N is not None]
    if len(times) < len(splits):
        starts = np.unique(np.linspace(0, ends[-1], PARTS + 1).astype(np.int64))
        until = float(np.interp(ends[1], starts, np.arange(len(starts))))
        return Cut("part", tuple(starts.tolist()), False, until, offsets)
    spans = [(int(time_N.min()), int(time_N.max())) for time_N in times]
    first, last = _ends(times)
    seconds, unit = _unit(first, last, int(ends[-1]))
    begin = first // min(seconds, DAY) * min(seconds, DAY)
    starts = np.arange(begin, last + seconds + 1, seconds)
    starts = starts[: np.searchsorted(starts, last, side="right") + 1]
    follows = all(earlier[1] <= later[0] for earlier, later in pairwise(spans))
    cut_at = (spans[1][0] - begin) / seconds if follows else None
    return Cut(unit, tuple(starts.tolist()), first >= EARLIEST and last <= LATEST, cut_at, offsets)


def _ends(times: list[npt.NDArray[np.int64]]) -> tuple[int, int]:
    """Times before and after which hardly a row is: a few dates that lie years off stretch no axis."""
    every = sum(map(len, times)) // SAMPLE + 1
    time_K = np.concatenate([time_N[::every] for time_N in times])
    low, high = np.quantile(time_K, OUTSIDE, method="lower"), np.quantile(time_K, 1 - OUTSIDE, method="higher")
    return int(low), int(high)


def _unit(first: int, last: int, rows: int) -> tuple[int, str]:
    days = last - first >= FEW_DAYS * DAY
    for seconds, unit in COARSE if days else (*FINE, *COARSE):
        periods = last // seconds - first // seconds + 1
        if periods <= MOST and (seconds >= DAY or rows >= FEW_ROWS * periods):
            return seconds, unit
    years = -(-(last - first + 1) // (MOST * 365 * DAY))
    return years * 365 * DAY, f"{years} years"


def rows(data: IndexedDataset, cut: Cut) -> npt.NDArray[np.int64]:
    """How many rows each period has."""
    total_P = np.zeros(len(cut), np.int64)
    for part in SPLITS:
        for block in blocks(len(data.split(part))):
            total_P += np.bincount(cut.of(data, part, block), minlength=len(cut))
    return total_P


def blocks(rows: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices of so many rows."""
    return (slice(begin, min(begin + size, rows)) for begin in range(0, rows, size))
