"""What a user has named, in the place of a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.base.errors import UserError, unknown
from harness.data.guess.columns import Guess, Table
from harness.data.guess.labels import labels_of, yes
from harness.data.guess.times import Moment


@dataclass(frozen=True)
class Asked:
    """labels: columns that are labels, or names of those that would be guessed. time: the column of the time."""

    labels: tuple[str, ...] = ()
    time: str | None = None


def asked_labels(table: Table, names: Sequence[str]) -> list[Guess]:
    """A label for each name; what else the guesses hold for these, such as a gap, stays. Other outcomes are left out.

    Raises:
        UserError: no such column or label, or a column has no two sides.
    """
    guessed, found = labels_of(table), list[Guess]()
    for name in names:
        if name in table.names:
            column = table[name]
            if (said := yes(column)) is None:
                raise UserError(
                    f"--labels '{name}': the column is not 0 and 1, true and false, or a count; accepted: {TWO}"
                )
            found.append(Guess(name, "label", {column.key: said[0]}, f"asked for; {said[1]}"))
        elif not (named := [guess for guess in guessed if guess.what == "label" and name in guess.entries]):
            options = {*table.names, *(key for g in guessed if g.what == "label" for key in g.entries)}
            raise unknown("column", name, options, "--labels")
        else:
            found += named
    columns = {guess.column for guess in found}
    for guess in guessed:
        if guess.column in columns and guess.what != "label":
            found.append(guess)
        elif guess.column not in columns and guess.what == "label":
            found.append(Guess(guess.column, "left out", guess.entries, "an outcome that was not asked for"))
    return found


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


TWO = "a column of two values, or a schema (--schema) whose label is an expression"
