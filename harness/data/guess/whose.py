"""Whose times are: of the row, or of a user or an item that comes in many rows, as when a user signed up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from harness.data.guess.columns import Column
from harness.data.guess.times import is_named
from harness.data.guess.words import CLOCK, ROWS, SESSIONS, SPLITS

EVENTS = CLOCK | ROWS | SESSIONS | SPLITS | {"order", "week"}
"""Words of columns whose values are times, or events that have one each."""
FEWEST = 20
"""Rows whose id came before, which tell that it has one time."""
ODD = 0.01
"""The share of ids that may have several times, as one that stands for whoever is not known."""
WIDE = 0.05
"""The share of all the time that the rows of an id span on average, if it comes again: those of a session span less."""


def owners(columns: Iterable[Column], times: Sequence[pl.Series]) -> dict[int, str]:
    """Times that are of what a column has the ids of, by their places -> the name of that column.

    columns: that are no times. times: as seconds, null where unknown. Such a time is one for each id, while another
    goes on from row to row of it. Where each of two is so beside the other, as those of a user and of an item may be,
    neither tells of the other.
    """
    found = dict[tuple[int, int], str]()
    for column in columns if len(times) > 1 else ():
        if _may_own(column):
            for pair in _fixed_beside(column, times):
                found.setdefault(pair, column.name)
    return {time: owner for (time, other), owner in found.items() if (other, time) not in found}


def _may_own(column: Column) -> bool:
    are_ids = (column.is_whole or column.is_text) and not is_named(column) and not column.has(EVENTS)
    return are_ids and 2 <= column.distinct <= len(column.known) - FEWEST


def _fixed_beside(column: Column, times: Sequence[pl.Series]) -> Iterator[tuple[int, int]]:
    """Pairs of times, the first one for each id of a column, the second far from it in other rows of the id."""
    rows = pl.DataFrame([column.values.alias("id"), *(time.alias(str(place)) for place, time in enumerate(times))])
    every = pl.exclude("id")
    ids = rows.drop_nulls("id").group_by("id").agg(pl.len().alias("rows"), every.max() - every.min())
    again = ids.filter(pl.col("rows") > 1)
    spans = [again[str(place)].fill_null(0) for place in range(len(times))]
    fixed = [place for place, span in enumerate(spans) if float(str((span > 0).mean())) <= ODD]
    for other, (span, time) in enumerate(zip(spans, times, strict=True)):
        whole = float(str(time.max())) - float(str(time.min()))
        within = float(str((span * again["rows"]).sum())) / int(again["rows"].sum())
        if other not in fixed and within >= WIDE * whole:
            yield from ((place, other) for place in fixed)
