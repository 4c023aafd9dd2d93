"""A time whose parts stand in columns of their own, as of folders `year=2024/month=05/day=01`, `dt=20240501/hour=7`, or
as a date beside a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

import polars as pl

from harness.data.guess.columns import Column, Table
from harness.data.guess.notations import Reading, of_text
from harness.data.tabular.expressions import expression, widened
from harness.data.tabular.times import whole_seconds

LIMITS = {"year": (1990, 2032), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59)}
DATES = ("dt", "date", "ds", "day", "event_date", "p_date")
DATE = r"^\d{4}-?\d{2}-?\d{2}$"
CLOCK = r"^\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s?[AaPp][Mm])?\s*$"
"""Text that is a time of the day."""
OFFSET = r"^[+-]\d{2}:?\d{2}\]?$"


def in_parts(table: Table) -> Iterator[tuple[Column, Reading, tuple[str, ...]]]:
    """The column of its day, how it is read, and the other columns of it."""
    yield from _beside_clocks(table)
    yield from _before_offsets(table)
    names = {column.name.lower(): column for column in table}
    found = {name: names[name] for name, limits in LIMITS.items() if name in names and _within(names[name], limits)}
    if "year" in found and "month" in found:
        finer = "day" in found and "hour" in found
        day = _number(found["day"]) if "day" in found else "1"
        sql = f"10000 * {_number(found['year'])} + 100 * {_number(found['month'])} + {day}"
        last = found.get("day", found["month"])
        used = [found[name] for name in ("year", "month", "day") if name in found]
        yield from _read(table, last, f"100 * ({sql}) + {_number(found['hour'])}" if finer else sql, used, found, finer)
    elif "hour" in found:
        for column in (names[name] for name in DATES if name in names and names[name].texts.str.contains(DATE).all()):
            if not column.values.null_count() and (column.is_text or column.is_whole):
                plain = f"CAST(REPLACE({column.sql}, '-', '') AS BIGINT)" if column.is_text else column.sql
                sql = f"100 * {plain} + {_number(found['hour'])}"
                yield from _read(table, column, sql, [column], found, finer=True)


def _beside_clocks(table: Table) -> Iterator[tuple[Column, Reading, tuple[str, ...]]]:
    """The date that stands nearest to each clock."""
    for place, clock in enumerate(table):
        if not _is_clock(clock):
            continue
        for date in sorted(filter(_may_be_date, table), key=lambda each: abs(table.columns.index(each) - place)):
            text = date.texts + " " + clock.values.cast(pl.String).str.strip_chars()
            sql = f"{_as_text(date)} || ' ' || {_as_text(clock)}"
            if (read := of_text(text, sql)) is not None:
                yield date, replace(read, name=f"{date.name} and {clock.name}"), (date.name, clock.name)
                break


def _before_offsets(table: Table) -> Iterator[tuple[Column, Reading, tuple[str, ...]]]:
    """A date whose offset stands in the next column, as where a log of Apache is cut at blanks."""
    for date, offset in pairwise(table):
        if date.is_text and offset.is_text and len(offset.known) and offset.known.str.contains(OFFSET).all():
            read = of_text(date.values + " " + offset.values, f"{date.sql} || ' ' || {offset.sql}")
            if read is not None:
                yield date, replace(read, name=f"{date.name} and {offset.name}"), (date.name, offset.name)


def _is_clock(column: Column) -> bool:
    if not len(column.values) or column.values.null_count():
        return False
    return column.values.dtype == pl.Time or (column.is_text and bool(column.values.str.contains(CLOCK).all()))


def _may_be_date(column: Column) -> bool:
    """Text without a clock, dates, or whole numbers of eight digits."""
    if column.is_text:
        return not column.known.head(1).str.contains(":").any()
    return column.values.dtype == pl.Date or (column.is_whole and bool(column.known.is_between(10**7, 10**8).all()))


def _as_text(column: Column) -> str:
    return column.sql if column.is_text else f"CAST({column.sql} AS VARCHAR)"


def _read(
    table: Table, day: Column, sql: str, used: list[Column], found: Mapping[str, Column], finer: bool
) -> Iterator[tuple[Column, Reading, tuple[str, ...]]]:
    unit = "yyyymmddhh" if finer else "yyyymmdd"
    time = expression(table.frame.schema, "time", sql, "guess")
    values = widened(table.frame.lazy()).select(time.alias("value")).collect()
    seconds = values.select(whole_seconds(pl.col("value"), values.dtypes[0], unit)).to_series()
    if not seconds.null_count():
        every = [*(column.name for column in used), *([found["hour"].name] if finer else [])]
        yield day, Reading(sql, unit, seconds, " and ".join(every)), tuple(column.name for column in used)


def _within(column: Column, limits: tuple[int, int]) -> bool:
    if column.values.null_count() or not len(column.known) or not (column.is_whole or column.is_digits):
        return False
    return bool(
        column.known.cast(pl.String).str.strip_suffix(".0").cast(pl.Int64, strict=False).is_between(*limits).all()
    )


def _number(column: Column) -> str:
    return column.sql if column.values.dtype.is_integer() else f"CAST({column.sql} AS BIGINT)"
