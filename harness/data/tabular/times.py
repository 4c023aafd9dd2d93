"""Times of a table as whole seconds of UTC, and how numbers are told to be milliseconds, or dates as 20240501.

The unit is one of all rows, of which few numbers are needed: tables larger than memory are read by them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from harness.api import Ints, UserError
from harness.base.words import counted
from harness.data.tabular.odd_values import is_whole, refuse_odd_times

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
CALENDARS = ("yyyymmdd", "yymmddhh", "yyyymmddhh", "yyyymmddhhmm", "yyyymmddhhmmss")
"""Dates written as a whole number; yy is of this century."""
UNITS = (*PER_SECOND, *CALENDARS)
"""What a schema's `time_unit` may be."""
FIRST = 1000
"""Rows that tell seconds and text: where these are dates as seconds, or are no digits, the others need not be read."""
EARLIEST, LATEST = 315_532_800, 4_102_444_800
"""Seconds of the years 1980 and 2100: numbers between them are dates of our days."""
ISO = (
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?"  # date, hours and minutes, seconds
    r"\s*(?:[Zz]|([+-])(\d{2}):?(\d{2})?)?$"  # the offset: its sign, hours and minutes
)


@dataclass(frozen=True)
class Unit:
    """How numbers are read; dates and text have no unit. note: why, where that is worth a line."""

    name: str = ""
    note: str = ""


def unit_of(time: pl.LazyFrame, sql: str, given: str, where: str) -> Unit:
    """How numbers are read: as the schema says, or else in the one unit that makes dates of our days of all of them.

    time: one column. sql: its expression. given: the schema's `time_unit`, or empty. where: begins messages.

    Raises:
        UserError: a unit is given for what is no number, or text is a whole number in most rows and not in all.
    """
    ((name, dtype),) = time.collect_schema().items()
    column = pl.col(name)
    if dtype == pl.String:
        refuse_odd_times(time, sql, where)
    if not (dtype.is_numeric() or (dtype == pl.String and _are_digits(time.head(FIRST)) and _are_digits(time))):
        if given:
            raise UserError(f"{where}: time_unit = '{given}', but time = {sql!r} is no number; accepted: no time_unit")
        return Unit()
    if given or _within("s", *_range(time.head(FIRST), dtype)):
        return Unit(given or "s")
    least, most = _range(time, dtype)
    fitting = [unit for unit in UNITS if _within(unit, least, most)]
    dated = [_of_calendar(column, dtype, unit).is_not_null().all().alias(unit) for unit in fitting if unit in CALENDARS]
    all_dates = time.select(dated).collect(engine="streaming").row(0, named=True) if dated else {}
    if not fitting:
        _refuse_several_units(time, dtype, (least, most), sql, where)
    return _told([unit for unit in fitting if all_dates.get(unit, True)], least, most, sql)


def _refuse_several_units(
    time: pl.LazyFrame, dtype: pl.DataType, ends: tuple[int | None, int | None], sql: str, where: str
) -> None:
    """Refuse numbers each of which is a date of our days in a unit from seconds to nanoseconds, though no unit makes
    dates of all: those of one unit would lie after those of another, whenever they were."""
    inside = [_number(pl.all(), dtype).is_between(*_bounds(unit), closed="left").alias(unit) for unit in PER_SECOND]
    several = time.select(inside).select(pl.any_horizontal(*PER_SECOND).all()).collect(engine="streaming").item()
    if several and ends[0] is not None:
        first, last = (next(unit for unit in PER_SECOND if _within(unit, end, end)) for end in ends)
        raise UserError(
            f"{where}: time = {sql!r} has {ends[0]}, a date of our days in {WORDS[first]}, and {ends[1]}, one in "
            f"{WORDS[last]}; accepted: one unit in all rows, as CASE WHEN {sql} < {_bounds(last)[0]} THEN "
            f"{PER_SECOND[last] // PER_SECOND[first]} * {sql} ELSE {sql} END, or time_unit to keep the numbers"
        )


def _told(fitting: list[str], least: int | None, most: int | None, sql: str) -> Unit:
    """The unit, of those that make dates of all numbers, and what is said of it."""
    if least is None:
        return Unit("s")
    match fitting:
        case ["s"]:
            return Unit("s")
        case [unit]:
            first = datetime.fromtimestamp(_seconds_of(least, unit), UTC)
            why = f"{least} is {first:%Y-%m-%d %H:%M:%S} in UTC"
            other = 'if they are not, time_unit = "s" in the schema keeps the numbers'
        case []:
            unit, why = "s", f"{least} to {most} are dates of our days in no unit"
            other = "if they are no seconds, time_unit in the schema says what they are"
        case _:
            unit, why = "s", f"{least} to {most} are dates as {' and as '.join(fitting)}"
            other = "time_unit in the schema says which"
    return Unit(unit, f"times are read as {WORDS.get(unit, unit)}, time = {sql!r}: {why}; {other}")


def whole_seconds(time: pl.Expr, dtype: pl.DataType, unit: str) -> pl.Expr:
    """int64 seconds of UTC, rounded down; null where a row has no time. Dates without an offset are of UTC."""
    if dtype.is_temporal():
        return time.dt.epoch("s")
    if not unit:
        return _of_text(time)
    if unit in CALENDARS:
        return _of_calendar(time, dtype, unit)
    number = _number(time, dtype)
    return number if PER_SECOND[unit] == 1 else number // PER_SECOND[unit]


def seconds(column: pl.Series, sql: str, unit: str, where: str) -> Ints:
    """The whole seconds of a column, or of a part of it. unit: as `unit_of` found it; the others as there.

    Raises:
        UserError: a row has no time, or one that cannot be read.
    """
    if column.dtype == pl.Int64 and PER_SECOND.get(unit) == 1 and not column.has_nulls():
        return column.to_numpy()
    time = column.alias("time").to_frame()
    second = _of_plain_text(column) if column.dtype == pl.String and not unit else None
    if second is None:
        second = time.select(whole_seconds(pl.col("time"), column.dtype, unit)).to_series()
    if second.null_count():
        raise UserError(f"{where}: time = {sql!r} {_refused(column, second, unit)}")
    value_N: Ints = second.to_numpy()
    return value_N


def _refused(column: pl.Series, second: pl.Series, unit: str) -> str:
    bad = column.filter(second.is_null() & column.is_not_null())
    if column.dtype.is_float():
        bad = bad.filter(bad.is_finite())
    if not len(bad):
        return f"is null or not finite in {counted(second.null_count(), 'row')}; accepted: a time in every row"
    if unit:
        return f"has the value {bad[0]}, which is no {WORDS.get(unit, unit)}; accepted: a time in every row"
    return (  # 01/02/2024 may be of January or of February
        f"has the text {bad[0]!r}; accepted: dates as 2024-05-01 or 2024-05-01T12:00:00+02:00, numbers, or what "
        "STRPTIME(column, '%d.%m.%Y') makes of other text, whose format `data init` finds"
    )


def _number(time: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """int64, rounded down."""
    if dtype.is_float() or dtype.is_decimal():
        time = time.floor()
    return (time.str.strip_chars() if dtype == pl.String else time).cast(pl.Int64, strict=False)


def _of_calendar(time: pl.Expr, dtype: pl.DataType, form: str) -> pl.Expr:
    """Seconds of dates written as whole numbers; null where one is none."""
    number = _number(time, dtype)
    text = number.cast(pl.String).str.zfill(len(form))
    text = pl.when(text.str.len_bytes() == len(form)).then(text)
    if dtype.is_float() or dtype.is_decimal():
        text = pl.when(number == time).then(text)
    full = (pl.lit("20") if form.startswith("yymm") else pl.lit("")) + text
    full = full + "0" * (14 - len(form) - 2 * form.startswith("yymm"))
    return full.str.to_datetime("%Y%m%d%H%M%S", time_unit="ms", strict=False).dt.epoch("s")


def _of_plain_text(text: pl.Series) -> pl.Series | None:
    """The same as `_of_text`, several times as fast, where all rows have one form of date and clock, or of date alone.
    None: they have not."""
    lengths = text.str.len_bytes()
    if not len(text) or text.has_nulls() or lengths.min() != lengths.max() or (mark := text[0][10:11]) not in " T":
        return None
    form = {10: "%Y-%m-%d", 19: f"%Y-%m-%d{mark}%H:%M:%S"}.get(len(text[0]))
    found = None if form is None else text.str.to_datetime(form, time_unit="ms", strict=False)
    return None if found is None or found.has_nulls() else found.dt.epoch("s")


def _of_text(time: pl.Expr) -> pl.Expr:
    """Seconds of dates in the form of ISO 8601; null where one is none."""
    part = time.str.extract_groups(ISO).struct
    date, clock, second = part.field("1"), part.field("2").fill_null("00:00"), part.field("3").fill_null("00")
    local = (date + " " + clock + ":" + second).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms", strict=False)
    hours, minutes = (part.field(f).fill_null("0").cast(pl.Int64) for f in ("5", "6"))
    ahead = (3600 * hours + 60 * minutes) * pl.when(part.field("4") == "-").then(-1).otherwise(1)
    return local.dt.epoch("s") - ahead


def _are_digits(time: pl.LazyFrame) -> bool:
    return bool(time.select(is_whole(pl.all()).all()).collect(engine="streaming").item())


def _range(time: pl.LazyFrame, dtype: pl.DataType) -> tuple[int | None, int | None]:
    """The least and the largest number of a column."""
    number = _number(pl.all(), dtype)
    ends = time.select(number.min().alias("least"), number.max().alias("most")).collect(engine="streaming")
    return ends["least"][0], ends["most"][0]


def _within(unit: str, least: int | None, most: int | None) -> bool:
    """Whether numbers are dates of our days in a unit, by their size; no number is in none."""
    first, after = _bounds(unit)
    return least is not None and most is not None and first <= least <= most < after


def _bounds(unit: str) -> tuple[int, int]:
    """The first number that is a date of our days in a unit, and the first after them."""
    match unit:
        case "s":  # less than yyyymmddhh has: as seconds, those are of September 2032 and later
            return EARLIEST, _bounds("yyyymmddhh")[0]
        case "ms" | "us" | "ns":
            return EARLIEST * PER_SECOND[unit], LATEST * PER_SECOND[unit]
        case "yymmddhh":  # with all its digits
            return 10**7, 10**8
        case _:
            return 19800101 * 10 ** (len(unit) - 8), 21000101 * 10 ** (len(unit) - 8)


def _seconds_of(number: int, unit: str) -> int:
    return int(pl.select(whole_seconds(pl.lit(number), pl.Int64(), unit)).item())
