"""Which columns say what happened, as SQL that is 0 or 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import polars as pl

from harness.data.guess.columns import Column, Guess, Table, plain, quoted
from harness.data.guess.outcomes import is_count, is_generated, is_named, stem_of
from harness.data.guess.row_time import event
from harness.data.guess.times import DAY
from harness.data.guess.words import ACTION_NAMES, ACTIONS, LABELS, RATINGS, TIMES, YES_AND_NO

MOST_ACTIONS = 20
COUNT = "a count: more than none"
CHANCE = 0.01
"""How likely it may be that one column is 1 only where another is, were they independent."""


def labels_of(table: Table) -> list[Guess]:
    """The labels that the first way to find any finds, each with a name of its own."""
    for way in WAYS:
        if found := list(way(table)):
            return list(_told_apart(found))
    return []


def _told_apart(found: Iterable[Guess]) -> Iterator[Guess]:
    """With a number behind the name of a label that is another's, as of two ratings, or of actions but for signs."""
    names = set[str]()
    for guess in found:
        if guess.what == "label" and not names.isdisjoint(guess.entries):
            ((name, sql),) = guess.entries.items()
            guess = replace(guess, entries={f"{name[:90]}_{len(names)}": sql})
        names |= guess.entries.keys() if guess.what == "label" else set()
        yield guess


def _generated(table: Table) -> Iterator[Guess]:
    """As `data write` writes them."""
    for column in table:
        if is_generated(column, table):
            yield Guess(column.name, "label", {column.key: column.name}, f"an outcome, beside {column.name}_truth")


def _named(table: Table) -> Iterator[Guess]:
    return _by_names(table, counts=False)


def _counts(table: Table) -> Iterator[Guess]:
    """Where nothing else says what happened: `order` may be a place on a page, and `likes` may be those of an item."""
    return _by_names(table, counts=True)


def _by_names(table: Table, *, counts: bool) -> Iterator[Guess]:
    for column in filter(is_named, table):
        if (found := yes(column)) is None or (found[1] == COUNT) is not counts:
            continue
        sql, values = found
        yield Guess(column.name, "label", {column.key: sql}, f"named as an outcome; {values}")
        if column.levels == ("-1", "0", "1"):
            yield Guess(column.name, "observed", {column.key: f"{column.sql} >= 0"}, "-1 beside 0 and 1 means unknown")
        if takes := stem_of(column)[1]:
            yield Guess(column.name, "gap", {"gap": takes}, f"{column.name} is known after {takes}")


def yes(column: Column) -> tuple[str, str] | None:
    """SQL that is 1 for yes, and what the values are, where they mean yes and no."""
    levels, name, said = column.levels, column.name, " and ".join(column.levels)
    if column.values.dtype == pl.Boolean or (levels and set(levels) <= {"0", "1"} and not column.is_text):
        if len(levels) == 1 and levels[0] in ("1", "true") and column.values.null_count():
            yes, no = ("1", "0") if column.is_whole else ("true", "false")
            return f"COALESCE({column.sql}, {no}) = {yes}", f"{yes} or nothing, which is taken as {no}"
        return name, "true and false" if column.values.dtype == pl.Boolean and len(levels) == 2 else said
    if levels in (("-1", "1"), ("-1", "0", "1")) and not column.is_text:
        return f"{column.sql} > 0", said
    if column.is_text:
        return _of_words(column)
    if is_count(column):
        return f"{column.sql} > 0", COUNT
    return None


def _of_words(column: Column) -> tuple[str, str] | None:
    """Of text. Where all of it means yes, nothing and empty text are no; beside other words that mean no, unknown."""
    levels = [level for level in column.levels if level]
    words, said, name = _words_of_yes(levels), " and ".join(levels), column.sql
    means = (
        f"IN ({', '.join(map(quoted, words))})" if len(words) > 1 else "".join(f"= {quoted(word)}" for word in words)
    )
    if 0 < len(words) < len(levels):
        known = name if "" not in column.levels else f"NULLIF({name}, '')"
        return f"{known} {means}", said
    if words and (column.values.null_count() or "" in column.levels):
        return f"COALESCE({name}, '') {means}", f"{said} or nothing, which is taken as no"
    return None


def _words_of_yes(levels: Sequence[str]) -> list[str]:
    """The words that mean yes, in any letters, where all others mean no; or of one word or two the one that is an
    outcome, as of `clicked` and `not clicked`, or of `click` and `impression`."""
    means = [next((pair.index(level.strip().lower()) for pair in YES_AND_NO if level.strip().lower() in pair), None)
             for level in levels]  # fmt: skip
    if {*means} in ({0, 1}, {1}):
        return [level for level, is_yes in zip(levels, means, strict=True) if is_yes]
    outcomes = [level for level in levels if level.strip().lower() in LABELS]
    return outcomes if len(levels) <= 2 and len(outcomes) == 1 else []


def _actions(table: Table) -> Iterator[Guess]:
    """One label for every action but the most frequent, of a column that says what was done."""
    for column in table:
        known = [level for level in column.levels if level.lower() in ACTIONS]
        told = column.has(ACTION_NAMES) or not column.named
        if not (column.is_text and told and 2 <= column.distinct <= MOST_ACTIONS and 2 * len(known) > column.distinct):
            continue
        counts = column.known.value_counts().sort(["count", "value"], descending=[True, False])
        most, *others = counts["value"].to_list()
        for action in others:
            sql = f"{column.sql} = {quoted(action)}"
            yield Guess(column.name, "label", {plain(action): sql}, f"an action that is rarer than '{most}'")


def _ratings(table: Table) -> Iterator[Guess]:
    for column in table:
        top = _scale(column)
        if top and (column.has(RATINGS) or (not column.named and len(column.levels) >= top)):
            more = 3 if top == 5 else 7
            yield Guess(column.name, "label", {"liked": f"{column.sql} > {more}"}, f"a rating of up to {top}")


def _scale(column: Column) -> int:
    """The highest of the stars, 5 or 10, where all values are such; 0 where they are not."""
    if (
        not column.levels
        or not column.values.dtype.is_numeric()
        or not (2 * column.known == (2 * column.known).round()).all()
    ):
        return 0
    lowest, highest = float(str(column.known.min())), float(str(column.known.max()))
    return highest in (5, 10) and 0.5 <= lowest <= 1 and int(highest)


def _later(table: Table) -> Iterator[Guess]:
    """A moment that some rows have, later than their own: that it is there is the label, and the delay needs a gap."""
    if (found := event(table)) is not None:
        first, later = found
        column = later.column
        name = "_".join(word for word in column.words if word not in TIMES) or f"{column.name}_is_known"
        longest = float(str((later.seconds - first.seconds).max()))
        gap = f"{math.ceil(longest / DAY)}d"
        known = f"known in {len(column.known) / len(column.values):.1%} of the rows, never before {first.column.name}"
        yield Guess(column.name, "label", {name: f"{column.sql} IS NOT NULL"}, known)
        yield Guess(first.column.name, "time", first.entries, f"{first.read.name}; {column.name} follows it")
        yield Guess(column.name, "gap", {"gap": gap}, f"{column.name} comes up to {gap} after {first.column.name} here")


def _funnel(table: Table) -> Iterator[Guess]:
    """Without names, two columns of 0 and 1 of which the second is 1 only where the first is, and not by chance."""
    binary = [] if table.named else [column for column in table if column.levels == ("0", "1") and column.is_whole]
    for first, then in pairwise(binary):
        is_one, follows = first.texts == "1", then.texts == "1"
        if (is_one | ~follows).all() and float(str(is_one.mean())) ** int(follows.sum()) < CHANCE:
            yield Guess(first.name, "label", {first.key: first.name}, f"0 and 1, and 1 wherever {then.name} is")
            why = f"1 only where {first.name} is, as a purchase after a click"
            yield Guess(then.name, "label", {then.key: then.name}, why)
            return


def _only(table: Table) -> Iterator[Guess]:
    """Without names, the first column if it is 0 and 1; else the only one that is, or the only one of yes and no."""
    binary = [column for column in table if column.levels == ("0", "1")]
    first = not table.named and bool(binary) and binary[0] is table.columns[0]
    said = "0 and 1" if binary else "yes and no"
    binary = binary or [column for column in table if _is_yes_or_no(column.levels)]
    if (first or len(binary) == 1) and (found := yes(binary[0])) is not None:
        why = "the first column, and 0 and 1" if first else f"the only column of {said}"
        yield Guess(binary[0].name, "label", {binary[0].key: found[0]}, why)


def _is_yes_or_no(levels: Sequence[str]) -> bool:
    return tuple(level.strip().lower() for level in levels) in YES_AND_NO


WAYS: tuple[Callable[[Table], Iterator[Guess]], ...] = (
    _generated, _named, _actions, _later, _ratings, _counts, _funnel, _only,
)  # fmt: skip
