"""How moments are written: dates, text, and numbers in one of the units that a schema may name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column
from harness.data.guess.text_dates import Plain, candidates, fitting, plain, seconds, why_no_zone
from harness.data.tabular.times import CALENDARS, PER_SECOND, WORDS, whole_seconds


@dataclass(frozen=True)
class Reading:
    """How a column is read. sql, unit: as in the schema; seconds: of the sample, null where unknown. name: of the
    notation."""

    sql: str
    unit: str
    seconds: pl.Series
    name: str


Notation = Callable[[Column], Reading | None]
"""None where a value is not so written."""
EARLIEST, LATEST = 631_152_000, 1_980_000_000
"""Seconds of 1990 and 2032; later ones look like dates as 2033010100."""
TEXT = "dates as text"


def _dates(column: Column) -> Reading | None:
    seconds = _seconds(column, "") if column.values.dtype in (pl.Date, pl.Datetime) else None
    return None if seconds is None else Reading(column.name, "", seconds, "dates")


def _iso(column: Column) -> Reading | None:
    seconds = _seconds(column, "") if column.is_text else None
    return None if seconds is None else Reading(column.name, "", seconds, TEXT)


def _number(unit: str) -> Notation:
    least = 10 ** (len(unit) - 1) if unit in CALENDARS else EARLIEST * PER_SECOND[unit]

    def read(column: Column) -> Reading | None:
        if column.is_whole and int(str(column.known.cast(pl.Int128).max())) < least:
            return None  # as most columns of a wide table, at no cost
        if not (column.is_whole or column.is_digits or _may_have_fractions(column, unit)) or (
            unit in CALENDARS and not _has_digits(column, len(unit))
        ):
            return None
        seconds = _seconds(column, unit)
        if seconds is None or not seconds.drop_nulls().is_between(EARLIEST, LATEST).all():
            return None
        name = f"{WORDS[unit]} since 1970" if unit in WORDS else unit.upper()
        return Reading(column.name, unit if unit != "s" else "", seconds, name)

    return read


def _may_have_fractions(column: Column, unit: str) -> bool:
    """As `time.time()` of Python writes."""
    return unit == "s" and column.values.dtype.is_float() and column.infinite is None


def _has_digits(column: Column, digits: int) -> bool:
    return bool((column.texts.drop_nulls().str.len_bytes() == digits).all())


def _seconds(column: Column, unit: str) -> pl.Series | None:
    """As the schema's `time` reads them; None if it cannot read a value."""
    read = whole_seconds(pl.col("value"), column.values.dtype, unit)
    found = column.values.to_frame().select(read).to_series()
    return None if found.null_count() > column.values.null_count() else found


def _text(column: Column) -> Reading | None:
    return of_text(column.values, column.sql) if column.is_text else None


def of_text(values: pl.Series, sql: str) -> Reading | None:
    """Dates in the one other form that reads all of them; where two do, it is not known which is the day. sql: of the
    text."""
    known = values.drop_nulls()
    first = plain(known.head(1), sql)
    if not (first.unknown or any(candidates(first.values))):
        return None  # as most columns of a wide table, at no cost
    text = plain(values, sql)
    if text.unknown or len(forms := fitting(text.known)) != 1:
        return None
    name = f"{TEXT}, {text.zones}" if text.zones else TEXT
    return Reading(_strptime(text, forms[0]), "", seconds(text.values, forms[0]), name)


def _strptime(text: Plain, form: str) -> str:
    return f"STRPTIME({text.sql}, '{form}')"


def unread(column: Column) -> str:
    """Why a column is no moment in any notation, in words that follow its name."""
    if not column.is_text or column.is_digits:
        number = column.known.str.strip_chars().cast(pl.Int128, strict=False) if column.is_digits else column.known
        return f"{number.min()!s} to {number.max()!s} are dates of 1990 to 2032 in no unit"
    text = plain(column.values, column.sql)
    if why := why_no_zone(text):
        return why
    if len(forms := fitting(text.known)) > 1:
        several = " and ".join(_strptime(text, form) for form in forms[:2])
        return f"{several} both read it; the rows do not tell which is right"
    iso = whole_seconds(pl.col("value"), column.values.dtype, "")
    found = [column.known.to_frame().select(iso).to_series(), *(seconds(text.known, f) for f in candidates(text.known))]
    odd = column.known.filter(min((each.is_null() for each in found), key=lambda null: int(null.sum())))
    return f"{odd[0]!r} is no date in a known form"


SMALLER = (_number("ms"), _number("us"), _number("ns"))
SURE = (_dates, _iso, _text)
"""Those that hardly anything else is written in, whatever its name; ids of 64 bits and bar codes look as SMALLER do."""
NOTATIONS = (_dates, _iso, _number("s"), *SMALLER, *map(_number, CALENDARS), _text)
"""Tried in this order: 20110512 is a day of May, not an hour of 2020, unless another value says otherwise."""
