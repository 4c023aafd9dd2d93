"""What a user has named, in the place of a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tomli_w

from harness.base.errors import UserError, unknown
from harness.data.guess.columns import Column, Guess, Table, as_text, quoted
from harness.data.guess.labels import labels_of, yes
from harness.data.guess.times import Moment

FEW = 5
"""Values that a message quotes all of."""


@dataclass(frozen=True)
class Asked:
    """labels: columns that are labels, or names of those that would be guessed. time: the column of the time."""

    labels: tuple[str, ...] = ()
    time: str | None = None


def asked_labels(table: Table, names: Sequence[str]) -> list[Guess]:
    """A label for each name; what else the guesses hold for these, such as a gap, stays. Other outcomes are left out.

    Raises:
        UserError: no such column or label, a column has no two sides, or a label is named twice.
    """
    guessed, found = labels_of(table), list[Guess]()
    for name in names:
        if name in table.names:
            column = table[name]
            if (said := yes(column)) is None:
                raise _refused(column, guessed)
            found.append(Guess(name, "label", {column.key: said[0]}, f"asked for; {said[1]}"))
        elif not (named := [guess for guess in guessed if guess.what == "label" and name in guess.entries]):
            options = {*table.names, *(key for g in guessed if g.what == "label" for key in g.entries)}
            raise unknown("column", name, options, "--labels")
        else:
            found += named
    keys = [key for guess in found for key in guess.entries]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise UserError(f"--labels {','.join(names)}: '{twice}' is listed twice; accepted: each label once")
    columns = {guess.column for guess in found}
    for guess in guessed:
        if guess.column in columns and guess.what != "label":
            found.append(guess)
        elif guess.column not in columns and guess.what == "label":
            found.append(Guess(guess.column, "left out", guess.entries, "an outcome that was not asked for"))
    return found


def candidates(table: Table) -> dict[str, str]:
    """Columns of two values, for whoever looks for a label in vain -> the expression that may be meant."""
    two = [column for column in table if column.distinct == 2]
    return {column.name: _values_of(column)[1] if (said := yes(column)) is None else said[0] for column in two}


def asked_time(table: Table, found: Sequence[Moment], name: str) -> Guess:
    """The column of this name as the time of a row: a moment, or numbers that grow with it.

    Raises:
        UserError: it is neither.
    """
    moment = next((moment for moment in found if moment.column.name == name), None)
    if moment is not None:
        return Guess(name, "time", moment.entries, f"asked for; {moment.read.name}")
    numbers = [column for column in table if column.values.dtype.is_numeric() and not column.values.null_count()]
    column = next((column for column in numbers if column.name == name), None)
    if column is None:
        known = {moment.column.name for moment in found} | {column.name for column in numbers}
        raise unknown("column of times", name, known, "--time")
    return Guess(name, "time", {"time": column.sql}, "asked for; numbers")


def _refused(column: Column, guessed: Sequence[Guess]) -> UserError:
    """For a column that does not say what is yes."""
    has, meant = _values_of(column)
    made = [key for guess in guessed if guess.column == column.name and guess.what == "label" for key in guess.entries]
    others = f"{', '.join(made)}, as guessed of it; " if made else ""
    return UserError(
        f"--labels '{column.name}': the column {has}, of which none is known to be yes; accepted: {others}0 and 1, "
        "true and false, yes and no, a count from 0, or a schema (--schema) with a label of its own, as "
        + tomli_w.dumps({column.key: meant}).strip()
    )


def _values_of(column: Column) -> tuple[str, str]:
    """What a column holds, and an expression of it that may be meant."""
    there, sql = column.is_there, column.sql
    if not len(column.known):
        return "has no values", there
    if not (column.is_text or column.values.dtype.is_numeric()):
        return f"has values of type {column.values.dtype}", there
    values = [quoted(value) if column.is_text else value for value in as_text(column.known.unique().sort())]
    nothing = column.values.null_count() > 0
    match values:
        case [value]:
            return f"has the value {value}" + (
                " or nothing" if nothing else ""
            ), there if nothing else f"{sql} = {value}"
        case [*others, last] if len(others) < FEW:
            return f"has the values {', '.join(others)} and {last}", f"{sql} = {last}"
    has = f"has {len(values):,} values, {values[0]} to {values[-1]}"
    return has, there if nothing else f"{sql} {'=' if column.is_text else '>'} {values[len(values) // 2]}"
