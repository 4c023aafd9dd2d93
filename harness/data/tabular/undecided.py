"""Histories that may hold rows before it is known that they count, as the schema tells."""

from __future__ import annotations

from collections.abc import Mapping, Set

from harness.api import Doubt
from harness.data.tabular.schema import Schema

WITH_ROW = ("fields.", "crossed.", "numbers.", "lists.", "weights.", "history_by.", "time", "group")
"""Begins the places of what is known as soon as a row is there: a schema takes these for known when it predicts."""


def undecided(schema: Schema, columns: Mapping[str, Set[str]]) -> tuple[Doubt, ...]:
    """Of each history whose `where` is made of the columns of labels, and whose `after` says nothing.

    columns: of the table, that each place in the schema reads.
    """
    known = {column for place, read in columns.items() if place.startswith(WITH_ROW) for column in read}
    found = []
    for name, spec in schema.fields.items():
        if spec.history is not None and spec.history.where is not None and not spec.history.after:
            later = columns[f"history_where.{name}"] - known
            labels = [f"'{label}'" for label in schema.labels if later & columns[f"labels.{label}"]]
            found += [_doubt(name, " and ".join(labels))] if labels else []
    return tuple(found)


def _doubt(history: str, labels: str) -> Doubt:
    return Doubt(
        "history_looks_ahead",
        f"History '{history}' holds earlier rows by what tells label {labels}, and nothing says how long that takes "
        "to be known: it may hold what is decided after the row it belongs to.",
        'Say by `after` how much earlier a row is at least, as after = "7d"; "0s" where it is known at once.',
    )
