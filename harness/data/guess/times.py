"""Which columns are moments, and in which notation."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column, Table
from harness.data.guess.in_parts import in_parts
from harness.data.guess.notations import NOTATIONS, SMALLER, SURE, Reading, unread
from harness.data.guess.words import CLOCK, CODES, ITEMS, SINCE, SMALL, TIMES, USERS

DAY = 86_400
NUMBERS = "numbers that hardly ever fall"
THINGS = USERS | ITEMS | CODES
"""Words of what has ids, which may be as large as times."""
LEAST = 3
"""Distinct times, without which no split by time has three parts."""
JOINED = 0.001
"""The share of the rows at which numbers that count time may fall, as where files of a folder follow each other."""


@dataclass(frozen=True, eq=False)
class Moment:
    """A column that is a moment. named: its name says so too. rank: how far down the list of notations."""

    column: Column
    read: Reading
    named: bool
    rank: int = 0
    parts: tuple[str, ...] = ()
    """The other columns that it is made of, and this one."""

    @property
    def seconds(self) -> pl.Series:
        return self.read.seconds

    @property
    def entries(self) -> dict[str, str | dict[str, str]]:
        """The lines of a schema whose rows have this time."""
        unit: dict[str, str | dict[str, str]] = {"time_unit": self.read.unit} if self.read.unit else {}
        return {"time": self.read.sql} | unit


def moments(table: Table) -> list[Moment]:
    """Every column that is a moment in the life of its row, those whose name says so first."""
    found = [moment for column in table if (moment := _moment(column)) is not None]
    found += [Moment(day, read, True, -1, parts) for day, read, parts in in_parts(table) if _has_several(read)]
    return sorted(found, key=lambda moment: not moment.named)


def _has_several(read: Reading) -> bool:
    return read.seconds.n_unique() >= LEAST


def _moment(column: Column) -> Moment | None:
    if column.distinct < LEAST or column.has(SINCE):
        return None
    named = is_named(column)
    for rank, read in enumerate(NOTATIONS):
        if (read in SMALLER and not _may_be_small(column)) or (column.is_digits and not named):
            continue
        if (found := read(column)) is None:
            continue
        if named or read in SURE or not column.named or column.has(SMALL):
            return Moment(column, found, named, rank)
    if named and not column.has(CLOCK) and falls(column) <= JOINED * len(column.values):
        return of_numbers(column, named)
    return None


def is_named(column: Column) -> bool:
    return any(map(_is_time, column.words))


def _is_time(word: str) -> bool:
    return word in TIMES or word.endswith(("time", "date", "timestamp"))


def _may_be_small(column: Column) -> bool:
    """Whether large numbers may count milliseconds or less: the last word that says anything decides, as `date_id` has
    an id and `user_time` a time."""
    said = next((word for word in reversed(column.words) if _tells_time(word) or word in THINGS), "")
    return not column.named or _tells_time(said)


def _tells_time(word: str) -> bool:
    return _is_time(word) or word in SMALL


def of_numbers(column: Column, named: bool) -> Moment:
    """Numbers that count from anywhere."""
    return Moment(column, Reading(column.name, "", column.values.cast(pl.Float64), NUMBERS), named)


def falls(column: Column) -> float:
    """How often a number is smaller than the one before it; endless where some are none."""
    if not column.values.dtype.is_numeric() or column.values.null_count():
        return float("inf")
    return int((column.values < column.values.shift()).sum())


def why_no_time(column: Column) -> str:
    """Why a column that is named as a time is not the time of a row; empty: its name says nothing of the kind."""
    if not is_named(column) or column.has(CLOCK) or column.has(SINCE) or not len(column.known):
        return ""
    if not (column.is_text or column.values.dtype.is_numeric() or column.values.dtype in (pl.Date, pl.Datetime)):
        return ""
    if column.distinct < LEAST:
        return f"it has {column.distinct} distinct values"
    if (moment := _moment(column)) is None:
        return unread(column)
    return f"{moment.seconds.null_count():,} of {len(moment.seconds):,} rows have none"
