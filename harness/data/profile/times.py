"""Times of a data set, in words: as dates where they are of our days."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST, LATEST = 315_532_800, 4_102_444_800
"""Seconds of the years 1980 and 2100: times between them are taken for dates."""
UNITS = {"milliseconds": 1000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}


def span(first: int, last: int) -> str:
    """`2024-05-01 to 2024-05-07`, with hours where it is a day or two; other numbers as they are."""
    if not (first >= EARLIEST and last <= LATEST):
        return f"{first:,} to {last:,}"
    form = "%Y-%m-%d" if last - first > 2 * 86_400 else "%Y-%m-%d %H:%M"
    return " to ".join(datetime.fromtimestamp(at, UTC).strftime(form) for at in (first, last))


def unit(first: int, last: int) -> str | None:
    """The unit that makes dates of times that are none as seconds, if one does."""
    if first >= EARLIEST and last <= LATEST:
        return None
    fits = (
        name for name, per_second in UNITS.items() if first / per_second >= EARLIEST and last / per_second <= LATEST
    )
    return next(fits, None)
