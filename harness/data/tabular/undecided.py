"""Histories that hold rows by what is decided after them, and do not say how long that takes."""

from __future__ import annotations

from collections.abc import Mapping, Set

from harness.data.tabular.schema import Schema

WITH_ROW = ("fields.", "crossed.", "numbers.", "lists.", "weights.", "history_by.", "time", "group")
"""Begins the places of what is known as soon as a row is there: a schema takes these for known when it predicts."""


def undecided(schema: Schema, columns: Mapping[str, Set[str]]) -> dict[str, tuple[str, ...]]:
    """History -> the labels of whose columns its `where` is made, if `after` says nothing.

    columns: of the table, that each place in the schema reads.
    """
    known = {column for place, read in columns.items() if place.startswith(WITH_ROW) for column in read}
    found = {}
    for name, spec in schema.fields.items():
        if spec.history is not None and spec.history.where is not None and not spec.history.after:
            later = columns[f"history_where.{name}"] - known
            found[name] = tuple(label for label in schema.labels if later & columns[f"labels.{label}"])
    return {name: labels for name, labels in found.items() if labels}
