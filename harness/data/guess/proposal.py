"""A label that a query makes of the rows, for tables that have none: a long session, or the same purchase again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column, Guess, Table
from harness.data.guess.rows import is_session, is_user
from harness.data.guess.times import DAY, Moment
from harness.data.guess.words import IDS, ITEMS
from harness.data.tabular.times import CALENDARS, PER_SECOND

DAYS = (90, 30, 7, 1)
SPANS = 8
"""Such times of so many days that a log must have: those at its end are lost, and those before the cut."""


@dataclass(frozen=True)
class Proposal:
    """why: what the label says. entries: the lines of the schema, by its table (empty: above them all)."""

    why: str
    entries: Mapping[str, dict[str, str]]


def proposal(table: Table, times: Iterable[Moment], split: Guess) -> Proposal | None:
    """What a label can be made of, if rows are split by a time that all have, and SQL can count with."""
    moment = next((moment for moment in times if moment.column.name == split.column), None)
    if split.entries["by"] != "time" or moment is None or moment.read.unit in CALENDARS or _has_offsets(moment):
        return None
    if moment.seconds.null_count():
        return None
    return _long_session(table, moment) or _again(table, moment)


def _long_session(table: Table, moment: Moment) -> Proposal | None:
    """Where the rows of a session come one after another. Asked once, at the first: others know that it goes on."""
    session = next(filter(is_session, table), None)
    if session is None:
        return None
    rows = pl.DataFrame({"session": session.values, "time": moment.seconds}).drop_nulls()
    sessions = rows.group_by("session").agg(pl.len().alias("rows"), pl.col("time").n_unique().alias("times"))
    long = int(float(str(sessions["rows"].median()))) + 1
    if float(str(sessions["times"].median())) < 2 or int(str(sessions["rows"].max())) < long:
        return None
    query = (
        f"SELECT *, COUNT(*) OVER (PARTITION BY {session.sql}) AS rows_of_session,\n"
        f"       ROW_NUMBER() OVER (PARTITION BY {session.sql} ORDER BY {_time(moment)}) AS place_in_session\n"
        "FROM data"
    )
    return Proposal(
        f"whether a session has {long} rows or more, asked at the first; leave out fields that tell its end",
        {
            "": {"query": query},
            "labels": {"long_session": f"rows_of_session >= {long}"},
            "observed": {"long_session": "place_in_session = 1"},
        },
    )


def _again(table: Table, moment: Moment) -> Proposal | None:
    """Whether a user has the same item again, or any row, soon: known after so many days."""
    user, item = next(filter(is_user, table), None), next(filter(_is_item, table), None)
    span = float(str(moment.seconds.max())) - float(str(moment.seconds.min()))
    days = next((days for days in DAYS if days * DAY * SPANS <= span), None)
    if user is None or days is None:
        return None
    keys = [column.sql for column in (user, item) if column is not None]
    by, known = ", ".join(keys), " AND ".join(f"{key} IS NOT NULL" for key in keys)
    query = (
        f"WITH timed AS (SELECT *, {_time(moment)} AS own_time FROM data WHERE {known}),\n"
        f"     times AS (SELECT DISTINCT {by}, own_time FROM timed),\n"
        f"     following AS (SELECT *, LEAD(own_time) OVER (PARTITION BY {by} ORDER BY own_time) AS next_time\n"
        "                   FROM times)\n"
        "SELECT timed.*, next_time, MAX(own_time) OVER () AS last_time\n"
        f"FROM timed LEFT JOIN following USING ({by}, own_time)"
    )
    numbers = not moment.parts and (moment.column.values.dtype.is_numeric() or moment.column.is_digits)
    soon = str(days * DAY * PER_SECOND[moment.read.unit or "s"]) if numbers else f"INTERVAL '{days} days'"
    what = f"the same {user.name}" if item is None else f"the same {user.name} and {item.name}"
    return Proposal(
        f"whether {what} come again within {days} days; rows of the last {days} have no answer yet, and are left out",
        {
            "": {"query": query, "where": f"own_time <= last_time - {soon}"},
            "labels": {f"again_{days}d": f"next_time IS NOT NULL AND next_time <= own_time + {soon}"},
            "split": {"gap": f"{days}d"},
        },
    )


def _is_item(column: Column) -> bool:
    return column.has(ITEMS) and column.words[-1] in ITEMS | IDS and (column.is_text or column.is_whole)


def _has_offsets(moment: Moment) -> bool:
    """Of dates as text, which SQL does not read then."""
    column = moment.column
    return column.is_text and moment.read.sql == column.name and column.known.str.contains(r"[Zz]$|:.*[+-]").any()


def _time(moment: Moment) -> str:
    """SQL of a number, or of a date."""
    column, sql = moment.column, moment.read.sql
    if sql != column.name:
        return sql
    if column.is_digits:
        return f"CAST({column.sql} AS BIGINT)"
    return f"CAST({column.sql} AS TIMESTAMP)" if column.is_text else column.sql
