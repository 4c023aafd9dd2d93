"""A label that stands among the fields under another name or expression, seen from the values alone."""

from __future__ import annotations

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.schema import Schema

LEAST = 10
"""Rows of each class that are needed to tell a copy from chance."""
FIRST = 1000
"""Rows in which a field of more than two values is seen not to be a copy."""


def refuse_copies(table: pl.DataFrame, schema: Schema, where: str) -> None:
    """Refuse a field that has one value where a label is 1 and another where it is 0, in every row that knows it.

    table: a column for each place in the schema.

    Raises:
        UserError: there is one.
    """
    for label in schema.labels:
        known = pl.col(f"labels.{label}").is_not_null()
        if label in schema.observed:
            known &= pl.col(f"observed.{label}").fill_null(False)
        rows = table.filter(known)
        for field, sql in schema.fields.items():
            if _is_copy(rows[f"fields.{field}"], rows[f"labels.{label}"]):
                raise UserError(
                    f"{where}: fields.{field} = {sql!r} has the values of label '{label}' under other names, in all "
                    f"{len(rows):,} rows that know it; leave it out"
                )


def _is_copy(field: pl.Series, label: pl.Series) -> bool:
    if field.head(FIRST).n_unique() > 2 or field.n_unique() != 2:
        return False
    pairs = pl.DataFrame({"field": field, "label": label}).group_by("field", "label").len()
    return len(pairs) == 2 == pairs["label"].n_unique() and min(pairs["len"].to_list()) >= LEAST
