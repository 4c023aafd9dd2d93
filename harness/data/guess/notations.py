"""How moments are written: dates, text, and numbers in one of the units that a schema may name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column
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
        "%d-%b-%Y",
        "%b %d, %Y",
        "%d.%m.%y",
        "%d/%m/%y",
        "%m/%d/%y",
        "%d-%b-%y",
    )
    for clock in ("", " %H:%M", " %H:%M:%S", " %H:%M:%S UTC", " %I:%M %p", " %I:%M:%S %p")
)
"""Of dates as text, beside that of ISO."""
FRACTIONS = "%Y-%m-%d %H:%M:%S%.f UTC"
"""As BigQuery writes where some seconds have a fraction; it reads seconds without one, too."""
FIRST_YEAR = 1000
"""That is no year of two digits."""


def _dates(column: Column) -> Reading | None:
    seconds = _seconds(column, "") if column.values.dtype in (pl.Date, pl.Datetime) else None
    return None if seconds is None else Reading(column.name, "", seconds, "dates")


def _iso(column: Column) -> Reading | None:
    seconds = _seconds(column, "") if column.is_text else None
    return None if seconds is None else Reading(column.name, "", seconds, "dates as text")


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
    """Dates in the one other form that reads all of them; where two do, it is not known which is the day."""
    if not column.is_text or len(fitting := _forms(column.known)) != 1:
        return None
    (form,) = fitting
    seconds = _read(column.values, form).dt.epoch("s")
    return Reading(f"STRPTIME({column.sql}, '{form}')", "", seconds, "dates as text")


def _forms(known: pl.Series) -> list[str]:
    """Those that read all of a text."""
    first = [form for form in FORMS if not _read(known.head(FEW), form).null_count()] if len(known) else []
    forms = [form for form in first if not _read(known, form).null_count()]
    return forms or ([FRACTIONS] if len(known) and not _read(known, FRACTIONS).null_count() else [])


def _read(values: pl.Series, form: str) -> pl.Series:
    found = values.str.to_datetime(form, strict=False, time_unit="us")
    return found.to_frame().select(pl.when(pl.first().dt.year() >= FIRST_YEAR).then(pl.first())).to_series()


def unread(column: Column) -> str:
    """Why a column is no moment in any notation, in words that follow its name."""
    if not column.is_text or column.is_digits:
        number = column.known.str.strip_chars().cast(pl.Int128, strict=False) if column.is_digits else column.known
        return f"{number.min()!s} to {number.max()!s} are dates of 1990 to 2032 in no unit"
    if len(forms := _forms(column.known)) > 1:
        several = " and ".join(f"STRPTIME({column.sql}, '{form}')" for form in forms[:2])
        return f"{several} both read it; the rows do not tell which is right"
    iso = whole_seconds(pl.col("value"), column.values.dtype, "")
    first = [_read(column.known, form) for form in FORMS if not _read(column.known.head(1), form).null_count()]
    nulls = [found.is_null() for found in (column.known.to_frame().select(iso).to_series(), *first)]
    odd = column.known.filter(min(nulls, key=lambda null: int(null.sum())))
    return f"{odd[0]!r} is no date in a known form"


SMALLER = (_number("ms"), _number("us"), _number("ns"))
SURE = (_dates, _iso, _text)
"""Those that hardly anything else is written in, whatever its name; ids of 64 bits and bar codes look as SMALLER do."""
NOTATIONS = (_dates, _iso, _number("s"), *SMALLER, *map(_number, CALENDARS), _text)
"""Tried in this order: 20110512 is a day of May, not an hour of 2020, unless another value says otherwise."""
