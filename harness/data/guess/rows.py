"""Of the table as a whole: which rows count, which belong together, and how they are split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from harness.base.durations import duration
from harness.data.guess.columns import Column, Guess, Table, quoted
from harness.data.guess.times import Moment, why_no_time
from harness.data.guess.words import PARTS, SESSIONS, SPLITS, USERS

LATE = 0.9
"""The share of the rows, in order of time, after which a label that is still open is known in none."""


def group(table: Table, fields: Iterable[Guess]) -> Iterator[Guess]:
    """The ids of users, within each of which GAUC ranks."""
    for each in fields:
        if each.what == "id" and is_user(table[each.column]):
            yield Guess(
                each.column,
                "group",
                {"group": table[each.column].as_id},
                "named as a user: GAUC ranks within each",
            )
            return


def is_user(column: Column) -> bool:
    words = set(column.words) - {"id"}
    return len(words) == 1 and words <= USERS


def given_split(table: Table) -> Guess | None:
    """A column that says train, valid and test, by these or other words."""
    for column in table:
        if not (column.has(SPLITS) and column.is_text):
            continue
        said = {level.lower(): level for level in column.levels}
        names = {part: [said[word] for word in words if word in said] for part, words in PARTS.items()}
        if all(len(found) == 1 for found in names.values()) and len(said) == len(PARTS):
            cases = " ".join(f"WHEN {quoted(found)} THEN '{part}'" for part, (found,) in names.items())
            plain = all(part == found for part, (found,) in names.items())
            sql = column.name if plain else f"CASE {column.sql} {cases} END"
            return Guess(column.name, "split", {"by": "column", "column": sql}, f"{column.name} says it")
    return None


def split(table: Table, found: Sequence[Guess]) -> Guess:
    """By time where there is one, as models are used on what comes; else by session, else at random."""
    time = next((guess for guess in found if guess.what == "time"), None)
    if time is not None:
        gaps = sorted(
            (guess for guess in found if guess.what == "gap"), key=lambda gap: duration(str(gap.entries["gap"]))
        )
        why = "; ".join(["rows have a time: later ones are tested", *(gap.why for gap in gaps[-1:])])
        return Guess(time.column, "split", {"by": "time", **(gaps[-1].entries if gaps else {})}, why)
    session = next(filter(is_session, table), None)
    unread = next((f" ('{column.name}': {why})" for column in table if (why := why_no_time(column))), "")
    if session is not None:
        why = f"no time{unread}; rows of one session would tell each other's labels"
        return Guess(session.name, "split", {"by": "group", "column": session.as_id}, why)
    return Guess("", "split", {"by": "row"}, f"no time{unread} and no session")


def is_session(column: Column) -> bool:
    words = set(column.words) - {"id", "no"}
    is_id = column.is_whole or column.is_text
    return is_id and len(words) == 1 and words <= SESSIONS and column.distinct < len(column.known)


def where(
    table: Table, found: Sequence[Guess], moments: Sequence[Moment], labels: Mapping[str, pl.Series]
) -> Iterator[Guess]:
    """Rows without a time are left out, and so are those at the end whose labels are still open: the test rows would be
    among them. labels: name -> 0 or 1 for each row, null where unknown."""
    times = {guess.column for guess in found if guess.what == "time"}
    time = next((moment for moment in moments if moment.column.name in times), None)
    if time is None:
        return
    last = time.seconds.arg_sort()[int(LATE * len(time.seconds)) :]
    still_open = {name for name, label in labels.items() if label.count() and _all_null(label, last)}
    told = [guess for guess in found if guess.what == "label" and not still_open.isdisjoint(guess.entries)]
    kept = {guess.column: table[guess.column] for guess in told}
    reasons = ["the last rows have no label yet"] if kept else []
    if time.seconds.null_count():
        kept[time.column.name] = time.column
        reasons.append("rows without a time are in no split")
    if kept:
        sql = " AND ".join(column.is_there for column in kept.values())
        yield Guess(next(iter(kept)), "where", {"where": sql}, "; ".join(reasons))


def _all_null(values: pl.Series, rows: pl.Series) -> bool:
    chosen = values.gather(rows)
    return chosen.null_count() == len(chosen)
