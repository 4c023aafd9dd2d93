"""Times of a data set, in words: as dates where they are of our days."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.data.tabular.times import EARLIEST, LATEST


def span(first: int, last: int) -> str:
    """`2024-05-01 to 2024-05-07`, with hours where it is a day or two; other numbers as they are."""
    if not (first >= EARLIEST and last <= LATEST):
        return f"{first:,} to {last:,}"
    form = "%Y-%m-%d" if last - first > 2 * 86_400 else "%Y-%m-%d %H:%M"
    return " to ".join(datetime.fromtimestamp(at, UTC).strftime(form) for at in (first, last))
