"""A label that stands among the fields under another name or expression, seen from the values alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import Any

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.batches import Table
from harness.data.tabular.labels import known_rows
from harness.data.tabular.schema import Schema

LEAST = 10
"""Rows of each class that are needed to tell a copy from chance."""
FIRST = 1 << 14
"""Rows that show of most fields that they are no copies."""
Pair = tuple[str, str]
"""A field and a label."""
Seen = Counter[tuple[Any, Any]]
"""How often each value of a field and of a label come together."""


def refuse_copies(table: Table, schema: Schema) -> None:
    """Refuse a field with one value where a label is 1 and another where it is 0, in every row that knows it.

    What may be a copy by the first rows is read to its end, no other column.

    Raises:
        UserError: there is a copy.
    """
    pairs: Iterable[Pair] = product(_of_one_column(schema), schema.labels)
    for rows in (slice(0, FIRST), slice(None)):
        pairs = seen = _one_to_one(table, schema, list(pairs), rows)
    for (field, label), counts in seen.items():
        if len(counts) == 2 and min(counts.values()) >= LEAST:
            raise UserError(
                f"{table.where}: fields.{field} = {schema.fields[field].sql!r} has the values of label "
                f"'{label}' under other names, in all {counts.total():,} rows that know it; leave it out"
            )


def _of_one_column(schema: Schema) -> dict[str, str]:
    """Fields of ids or numbers, which are one column as it is -> their places."""
    at = {"id": "fields", "number": "numbers"}
    return {name: f"{at[spec.kind]}.{name}" for name, spec in schema.fields.items() if spec.kind in at}


def _one_to_one(table: Table, schema: Schema, pairs: list[Pair], rows: slice) -> dict[Pair, Seen]:
    """The pairs in which each value of the field comes with one of the label alone, and the other way round."""
    seen, at = {pair: Seen() for pair in pairs}, _of_one_column(schema)
    places = {place for field, label in pairs for place in (at[field], f"labels.{label}", f"observed.{label}")}
    chosen = [place for place in schema.expressions() if place in places]
    for batch in table.batches(chosen, rows) if pairs else ():
        known = {label: known_rows(batch, label, schema) for _, label in seen}
        for field, label in list(seen):
            values = batch.select(at[field], f"labels.{label}").filter(known[label]).fill_nan(None)
            if not _counted(values, seen[field, label]):
                del seen[field, label]
        if not seen:
            break
    return seen


def _counted(values: pl.DataFrame, seen: Seen) -> bool:
    """Count pairs of values, of a field and of a label; whether they still are one to one."""
    field, label = values.columns
    if values[field].head(1000).n_unique() > 2 or values[field].n_unique() > 2:
        return False
    seen.update({(value, of): count for value, of, count in values.group_by(field, label).len().iter_rows()})
    return len(seen) == len({value for value, _ in seen}) == len({of for _, of in seen})
