"""From a sample of a table to a schema: labels first, then time, what is left out, fields, group and split."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

import polars as pl

from harness.data.guess.asked import Asked, asked_labels, asked_time, candidates
from harness.data.guess.columns import Column, Guess, Table
from harness.data.guess.fields import field
from harness.data.guess.labels import labels_of
from harness.data.guess.left_out import Known, left_out
from harness.data.guess.outcomes import may_be_one
from harness.data.guess.proposal import Proposal, proposal
from harness.data.guess.row_time import time_of
from harness.data.guess.rows import given_split, group, split, where
from harness.data.guess.times import moments
from harness.data.tabular.expressions import expression, widened

NOTHING = Asked()


@dataclass(frozen=True)
class Guesses:
    """columns: in the order of the file, labels and times among them. whole: of the table, the split last.
    Where no label was found, candidates: columns of two values -> expressions of them that may be one; and made: what
    a query can make of the rows."""

    columns: tuple[Guess, ...]
    whole: tuple[Guess, ...]
    candidates: Mapping[str, str]
    made: Proposal | None


def guess(frame: pl.DataFrame, named: bool, asked: Asked = NOTHING, *, delimited: bool = False) -> Guesses:
    """Guess every column of a sample. named: its columns have names, from a header or the format of the file.
    delimited: its numbers were text there.

    Raises:
        UserError: what is asked for is not there.
    """
    table = Table(frame, named, delimited)
    found = asked_labels(table, asked.labels) if asked.labels else labels_of(table)
    told = {name: sql for guess in found if guess.what == "label" for name, sql in guess.entries.items()}
    labels = {name: _values(frame, str(sql)) for name, sql in told.items()}
    part, times = given_split(table), moments(table)
    if asked.time is not None:
        found = [guess for guess in found if guess.what != "time"] + [asked_time(table, times, asked.time)]
    elif not any(guess.what == "time" for guess in found) and (time := time_of(table, times)) is not None:
        found.append(time)
    used = {guess.column for guess in (*found, *([] if part is None else [part]))}
    known = Known(table, labels, {moment.column.name for moment in times})
    own = [moment for moment in times if any(moment.entries == each.entries for each in found)]
    parts = {name for moment in own for name in moment.parts}
    rest = [
        _part(c, parts) or left_out(c, known) or _looked_at(field(c, table), c) for c in table if c.name not in used
    ]
    places = {name: at for at, name in enumerate(table.names)}
    columns = sorted((each for each in (*found, *rest) if each.what != "gap"), key=lambda each: places[each.column])
    whole = (*where(table, found, times, labels), *group(table, rest), part or split(table, found))
    if labels:
        return Guesses(tuple(columns), whole, {}, None)
    return Guesses(tuple(columns), whole, candidates(table), proposal(table, own, whole[-1]))


def _part(column: Column, parts: Container[str]) -> Guess | None:
    return column.taken("left out", "a part of the time") if column.name in parts else None


def _looked_at(guess: Guess, column: Column) -> Guess:
    """A field, with what to look at."""
    return replace(guess, why=f"{guess.why}; {look}") if (look := may_be_one(column)) else guess


def _values(frame: pl.DataFrame, sql: str) -> pl.Series:
    label = expression(frame.schema, "labels", sql, "guess")
    return widened(frame.lazy()).select(label).collect().to_series().cast(pl.Float64).fill_nan(None)
