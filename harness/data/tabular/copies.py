"""A label that stands among the fields under another name or expression, seen from the values alone."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.labels import known_rows
from harness.data.tabular.schema import Schema

LEAST = 10
"""Rows of each class that are needed to tell a copy from chance."""


class Copies:
    """Sees every batch, and refuses a field with one value where a label is 1 and another where it is 0, in every row
    that knows it."""

    def __init__(self, schema: Schema, where: str) -> None:
        self._schema, self._where = schema, where
        self._pairs = {pair: Counter[tuple[Any, Any]]() for pair in product(_of_ids(schema), schema.labels)}
        """How often each value of a field and of a label come together, while it can still be a copy."""

    def add(self, batch: pl.DataFrame) -> None:
        """batch: a column for each place in the schema."""
        for label in dict.fromkeys(label for _, label in self._pairs):
            fields = [field for field, of in self._pairs if of == label]
            places = [f"labels.{label}", *(f"fields.{field}" for field in fields)]
            rows = batch.select(places).filter(known_rows(batch, label, self._schema))
            for field in fields:
                seen = self._pairs[field, label]
                if not _counted(rows[f"fields.{field}"], rows[f"labels.{label}"], seen):
                    del self._pairs[field, label]

    def refuse(self) -> None:
        """Once all batches are seen.

        Raises:
            UserError: there is a copy.
        """
        for (field, label), seen in self._pairs.items():
            values, labels = zip(*seen, strict=True) if seen else ((), ())
            if len(seen) == len(set(values)) == len(set(labels)) == 2 and min(seen.values()) >= LEAST:
                raise UserError(
                    f"{self._where}: fields.{field} = {self._schema.fields[field].sql!r} has the values of label "
                    f"'{label}' under other names, in all {seen.total():,} rows that know it; leave it out"
                )


def _of_ids(schema: Schema) -> list[str]:
    """The fields whose ids are one column as it is."""
    return [name for name, spec in schema.fields.items() if spec.kind == "id"]


def _counted(field: pl.Series, label: pl.Series, seen: Counter[tuple[Any, Any]]) -> bool:
    """Count pairs of values; whether the field can still be a copy."""
    if field.head(1000).n_unique() > 2 or field.n_unique() > 2:
        return False
    pairs = pl.DataFrame({"field": field, "label": label}).group_by("field", "label").len()
    seen.update({(value, of): count for value, of, count in pairs.iter_rows()})
    return len(seen) <= 2
