"""A first look through a table, at its times, labels and split alone: what must be known before its rows are coded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.api import Ints, UserError
from harness.data.tabular.batches import Table
from harness.data.tabular.labels import all_known, odd_label
from harness.data.tabular.refused_labels import refused
from harness.data.tabular.schema import Schema
from harness.data.tabular.splits import told_parts
from harness.data.tabular.time_counts import TimeCounts
from harness.data.tabular.times import LATEST
from harness.data.validation import SPLITS

NARROW = ("labels.", "observed.", "time")
"""Begins the places that are looked at, and split.column where it tells the splits."""


@dataclass(frozen=True)
class Look:
    """What was seen."""

    rows: int
    observed: bool
    """Whether any label is unknown."""
    times: TimeCounts | None


def first_look(table: Table, schema: Schema) -> Look:
    """Read the narrow columns once.

    Raises:
        UserError: no row is left, one has no time, a label is neither 0 nor 1, or the split's column says other words.
    """
    where, by_column = f"{table.where}: split", schema.split.by == "column"
    places = [
        place for place in schema.expressions() if place.startswith(NARROW) or (place == "split.column" and by_column)
    ]
    rows, observed, said, times = 0, False, set[int](), None if schema.time is None else TimeCounts()
    for batch in table.batches(places):
        rows += len(batch)
        if (label := odd_label(batch, schema)) is not None:
            raise refused(table, label)
        observed |= not all_known(batch, schema)
        if times is not None:
            time_N = batch["time"].to_numpy()
            _refuse_another_unit(table, time_N)
            times.add(time_N)
        if by_column:
            said.update(told_parts(batch["split.column"], where).tolist())
    if not rows:
        left = "query" if schema.where is None else f"where = {schema.where!r}"
        raise UserError(f"{table.where}, file '{table.files[0]}': 0 rows are left by {left}")
    if by_column and (missing := [name for part, name in enumerate(SPLITS) if part not in said]):
        raise UserError(f"{where}: column says {missing[0]} in no row; accepted: train, valid and test, each in some")
    return Look(rows, observed, times)


def _refuse_another_unit(table: Table, time_N: Ints) -> None:
    """The first rows told seconds. Later ones of another unit would all lie after them, in valid and test."""
    told = table.unit.name == "s" and not table.unit.note and not table.schema.time_unit
    if told and len(time_N) and (most := int(time_N.max())) >= LATEST:
        raise UserError(
            f"{table.where}: time = {table.schema.time!r} is seconds in the first rows, and {most} in another, which "
            'is no date of our days in seconds; accepted: one unit in all rows, or time_unit = "s" to keep the numbers'
        )


def times_of(table: Table, rows: slice) -> Iterator[Ints]:
    """The times of a range of rows, read once more."""
    return (batch["time"].to_numpy() for batch in table.batches(["time"], rows))
