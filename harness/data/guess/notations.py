"""How moments are written: dates, text, seconds and smaller units since 1970, and dates as numbers.

A notation reads a column as SQL that gives a date or seconds, the seconds of the sample, and its name; None where a
value is not so written.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from harness.data.guess.columns import Column

Reading = tuple[str, pl.Series, str]
Notation = Callable[[Column], Reading | None]
EARLIEST, LATEST = 631_152_000, 2_051_222_400
"""Seconds of 1990 and 2035: numbers between them, in a column that may be a time, are seconds since 1970."""
FEW = 20
"""Values on which forms are tried first."""
FORMS = tuple(
    date + clock
    for date in (
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%Y/%m/%d",
        "%Y-%m-%d",
        "%m %d, %Y",
        "%d %b %Y",
    )
    for clock in ("", " %H:%M", " %H:%M:%S", " %H:%M:%S UTC")
)
"""Of dates as text, beside that of ISO."""


def _epoch(divisor: int, unit: str) -> Notation:
    def read(column: Column) -> Reading | None:
        seconds = column.values.cast(pl.Float64) / divisor if column.is_whole else None
        if seconds is None or not seconds.drop_nulls().is_between(EARLIEST, LATEST).all():
            return None
        return column.name if divisor == 1 else f"{column.sql} / {divisor}", seconds, f"{unit} since 1970"

    return read


def _digits(width: int, fmt: str, end: str, notation: str) -> Notation:
    """Dates written as whole numbers. end: what the format needs beside them."""

    def read(column: Column) -> Reading | None:
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


def _temporal(column: Column) -> Reading | None:
    if column.values.dtype not in (pl.Date, pl.Datetime):
        return None
    return column.name, column.values.dt.epoch("s"), "dates"


def _iso(column: Column) -> Reading | None:
    if not column.is_text or not column.known.str.contains(r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}|$)").all():
        return None
    found = column.values.str.to_datetime(time_zone="UTC", strict=False)
    if found.null_count() > column.values.null_count():
        return None
    return column.name, found.dt.epoch("s"), "dates as text"


def _text(column: Column) -> Reading | None:
    """Dates in the one other form that reads all of them; where two do, it is not known which is the day."""
    if not column.is_text or not len(column.known):
        return None
    first = [form for form in FORMS if not _read(column.known.head(FEW), form).null_count()]
    fitting = [form for form in first if not _read(column.known, form).null_count()]
    if len(fitting) != 1:
        return None
    (form,) = fitting
    return f"STRPTIME({column.sql}, '{form}')", _read(column.values, form).dt.epoch("s"), "dates as text"


def _read(values: pl.Series, form: str) -> pl.Series:
    return values.str.to_datetime(form, strict=False, time_unit="us")


SMALLER = (_epoch(1_000, "milliseconds"), _epoch(1_000_000, "microseconds"), _epoch(1_000_000_000, "nanoseconds"))
SURE = (_temporal, _iso, *SMALLER, _text)
"""Those that hardly anything else is written in, whatever its name."""
NOTATIONS = (
    _temporal,
    _iso,
    _epoch(1, "seconds"),
    *SMALLER,
    _digits(8, "%Y%m%d", "", "YYYYMMDD"),
    _digits(8, "%y%m%d%H%M", "00", "YYMMDDHH"),
    _digits(10, "%Y%m%d%H%M", "00", "YYYYMMDDHH"),
    _text,
)
"""Tried in this order: 20110512 is a day of May, not an hour of 2020, unless another value says otherwise."""
