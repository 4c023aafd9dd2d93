"""Which columns are moments, in which notation, and which of them is the time of a row."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column, Guess, Table
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
MISSING = 0.05
"""The share of the rows that may have no time, and are left out."""


@dataclass(frozen=True)
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
    if named and not column.has(CLOCK) and _falls(column) <= JOINED * len(column.values):
        return _plain(column, named)
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


def _plain(column: Column, named: bool) -> Moment:
    """Numbers that count from anywhere."""
    return Moment(column, Reading(column.name, "", column.values.cast(pl.Float64), NUMBERS), named)


def _never_falls(column: Column) -> bool:
    return _falls(column) == 0


def _falls(column: Column) -> float:
    """How often a number is smaller than the one before it; endless where some are none."""
    if not column.values.dtype.is_numeric() or column.values.null_count():
        return float("inf")
    return int((column.values < column.values.shift()).sum())


def events(table: Table) -> list[tuple[Moment, Moment]]:
    """Pairs of moments, the second of which comes in some rows alone and never before the first: what happened later.

    In a table without names they may be any whole numbers, of which the first never fall and the second seldom lie far
    behind them.
    """
    found = moments(table)
    pairs = [(a, b) for a in found for b in found if a.named and b.named and _follows(a, b)]
    if table.named:
        return pairs
    whole = [_plain(column, False) for column in table if column.is_whole]
    firsts = [moment for moment in whole if moment.column.distinct >= LEAST and _never_falls(moment.column)]
    return [(a, b) for a in firsts for b in whole if _follows(a, b) and _is_near(a, b)]


def _follows(first: Moment, later: Moment) -> bool:
    delay = (later.seconds - first.seconds).drop_nulls()
    return not first.seconds.null_count() and LEAST <= len(delay) < len(later.seconds) and bool((delay >= 0).all())


def _is_near(first: Moment, later: Moment) -> bool:
    both = pl.DataFrame({"first": first.seconds, "later": later.seconds}).drop_nulls()
    return both["first"].n_unique() > 1 and float(both.corr()["first"][1]) > 0.5


def time_of(found: list[Moment]) -> Guess | None:
    """The finest of the moments that every row has, those whose name says so first; of two as fine, the one that is
    read more simply. Where there is none, of those whose name says so and that nearly every row has."""
    complete = [moment for moment in found if not moment.seconds.null_count()]
    nearly = [each for each in found if each.named and each.seconds.null_count() <= MISSING * len(each.seconds)]
    if not (complete or nearly):
        return None
    best = max(complete or nearly, key=lambda moment: (moment.named, moment.seconds.n_unique(), -moment.rank))
    others = "" if len(complete) < 2 else f", the finest of {len(complete)} times"
    return Guess(best.column.name, "time", best.entries, f"{best.read.name}{_span(best)}{others}{_missing(best)}")


def _missing(moment: Moment) -> str:
    nulls = moment.seconds.null_count()
    return f"; {nulls:,} of {len(moment.seconds):,} rows have none, and are left out" if nulls else ""


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


def _span(moment: Moment) -> str:
    if moment.read.name == NUMBERS:
        return ""
    first, last = (
        pl.Series([value]).cast(pl.Int64) * 1_000_000 for value in (moment.seconds.min(), moment.seconds.max())
    )
    dates = [value.cast(pl.Datetime("us"))[0].date().isoformat() for value in (first, last)]
    return f", {dates[0]} to {dates[1]}"
