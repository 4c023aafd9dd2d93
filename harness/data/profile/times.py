"""Times of a data set, in words: as dates where they are of our days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from harness.data.tabular.times import EARLIEST, LATEST

UNITS = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


def moments(*times: int) -> tuple[str, ...]:
    """`2024-05-01 12:30` of each, in UTC; `86,400 s`, where one is no date of our days."""
    if not all(EARLIEST <= at <= LATEST for at in times):
        return tuple(f"{at:,} s" for at in times)
    return tuple(datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") for at in times)


def cuts(spans: Sequence[tuple[int, int]]) -> str:
    """Where splits by time were cut; empty: they were not. spans: first and last time of train, valid and test."""
    if not spans or any(earlier[1] >= later[0] for earlier, later in pairwise(spans)):
        return ""
    (_, end), (valid, _), (test, _) = spans
    at_valid, at_test = moments(valid, test)
    return f"valid begins at {at_valid}, {_lasting(valid - end)} after the last row of train; test at {at_test}"


def _lasting(seconds: int) -> str:
    """`2.5 days`."""
    size, name = next((unit for unit in UNITS if seconds >= unit[0]), UNITS[-1])
    return f"{seconds / size:.3g} {name}"
