"""Which columns are moments, in which notation, and which of them is the time of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column, Guess, Table
from harness.data.guess.words import CLOCK, SINCE, TIMES

DAY = 86_400
EARLIEST, LATEST = 631_152_000, 2_051_222_400
"""Seconds of 1990 and 2035: numbers between them, in a column that may be a time, are seconds since 1970."""
LEAST = 3
"""Distinct times, without which no split by time has three parts."""


@dataclass(frozen=True)
class Moment:
    """A column that is a moment. sql: gives a date or seconds. seconds: of the sample, null where unknown. named: its
    name says so too."""

    column: Column
    sql: str
    seconds: pl.Series
    notation: str
    named: bool


def _epoch(divisor: int, unit: str) -> Callable[[Column], tuple[str, pl.Series, str] | None]:
    def read(column: Column) -> tuple[str, pl.Series, str] | None:
        seconds = column.values.cast(pl.Float64) / divisor if column.is_whole else None
        if seconds is None or not seconds.drop_nulls().is_between(EARLIEST, LATEST).all():
            return None
        return column.name if divisor == 1 else f"{column.sql} / {divisor}", seconds, f"{unit} since 1970"

    return read


def _digits(width: int, fmt: str, end: str, notation: str) -> Callable[[Column], tuple[str, pl.Series, str] | None]:
    """Dates written as whole numbers. end: what the format needs beside them."""

    def read(column: Column) -> tuple[str, pl.Series, str] | None:
        if not column.is_whole or not len(column.known):
            return None
        text = column.texts
        if not (text.drop_nulls().str.len_chars() == width).all():
            return None
        found = (text + end).str.to_datetime(fmt, strict=False, time_unit="us")
        if found.null_count() > column.values.null_count() or not found.dt.year().is_between(1990, 2035).all():
            return None
        digits = f"CAST({column.sql} AS VARCHAR)" + (f" || '{end}'" if end else "")
        return f"STRPTIME({digits}, '{fmt}')", found.dt.epoch("s"), notation

    return read


def _temporal(column: Column) -> tuple[str, pl.Series, str] | None:
    if column.values.dtype not in (pl.Date, pl.Datetime):
        return None
    return column.name, column.values.dt.epoch("s"), "dates"


def _iso(column: Column) -> tuple[str, pl.Series, str] | None:
    if not column.is_text or not column.known.str.contains(r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}|$)").all():
        return None
    found = column.values.str.to_datetime(time_zone="UTC", strict=False)
    if found.null_count() > column.values.null_count():
        return None
    return column.name, found.dt.epoch("s"), "dates as text"


SURE = (
    _temporal,
    _iso,
    _epoch(1_000, "milliseconds"),
    _epoch(1_000_000, "microseconds"),
    _epoch(1_000_000_000, "nanoseconds"),
)
"""Notations that are hardly anything else, whatever the name."""
NOTATIONS = (
    *SURE,
    _epoch(1, "seconds"),
    _digits(8, "%Y%m%d", "", "YYYYMMDD"),
    _digits(8, "%y%m%d%H%M", "00", "YYMMDDHH"),
    _digits(10, "%Y%m%d%H%M", "00", "YYYYMMDDHH"),
)
"""Tried in this order: 20110512 is a day of May, not an hour of 2020, unless another value says otherwise."""


def moments(table: Table) -> list[Moment]:
    """Every column that is a moment in the life of its row, those whose name says so first."""
    found = [moment for column in table if (moment := _moment(column)) is not None]
    return sorted(found, key=lambda moment: not moment.named)


def _moment(column: Column) -> Moment | None:
    if column.distinct < LEAST or column.has(SINCE):
        return None
    named = column.has(TIMES) or any(word.endswith(("time", "date", "timestamp")) for word in column.words)
    for read in NOTATIONS:
        if (found := read(column)) is None:
            continue
        sql, seconds, notation = found
        if named or read in SURE or not column.named:
            return Moment(column, sql, seconds, notation, named)
    if named and not column.has(CLOCK) and _never_falls(column):
        return Moment(column, column.name, column.values.cast(pl.Float64), "numbers that never fall", named)
    return None


def _never_falls(column: Column) -> bool:
    return column.values.dtype.is_numeric() and not column.values.null_count() and column.values.is_sorted()


def events(table: Table) -> list[tuple[Moment, Moment]]:
    """Pairs of moments, the second of which comes in some rows alone and never before the first: what happened later.

    In a table without names they may be any whole numbers, of which the first never fall and the second seldom lie far
    behind them.
    """
    found = moments(table)
    pairs = [(a, b) for a in found for b in found if a.named and b.named and _follows(a, b)]
    if table.named:
        return pairs
    whole = [
        Moment(c, c.name, c.values.cast(pl.Float64), "numbers that never fall", False) for c in table if c.is_whole
    ]
    firsts = [moment for moment in whole if moment.column.distinct >= LEAST and _never_falls(moment.column)]
    return [(a, b) for a in firsts for b in whole if _follows(a, b) and _is_near(a, b)]


def _follows(first: Moment, later: Moment) -> bool:
    delay = (later.seconds - first.seconds).drop_nulls()
    return not first.seconds.null_count() and LEAST <= len(delay) < len(later.seconds) and bool((delay >= 0).all())


def _is_near(first: Moment, later: Moment) -> bool:
    both = pl.DataFrame({"first": first.seconds, "later": later.seconds}).drop_nulls()
    return both["first"].n_unique() > 1 and float(both.corr()["first"][1]) > 0.5


def time_of(found: list[Moment]) -> Guess | None:
    """The finest of the moments that every row has; of two as fine, the one whose name says so, then the first."""
    complete = [moment for moment in found if not moment.seconds.null_count()]
    if not complete:
        return None
    best = max(complete, key=lambda moment: (moment.named, moment.seconds.n_unique()))
    others = "" if len(complete) == 1 else f", the finest of {len(complete)} times"
    why = f"{best.notation}{_span(best)}{others}"
    return Guess(best.column.name, "time", {"time": best.sql}, why)


def _span(moment: Moment) -> str:
    if moment.notation.startswith("numbers"):
        return ""
    first, last = (
        pl.Series([value]).cast(pl.Int64) * 1_000_000 for value in (moment.seconds.min(), moment.seconds.max())
    )
    dates = [value.cast(pl.Datetime("us"))[0].date().isoformat() for value in (first, last)]
    return f", {dates[0]} to {dates[1]}"
