"""The rows of a table in batches, as they come from its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from harness.api import Doubt
from harness.data.tabular.cells import readable_rows
from harness.data.tabular.files import Source
from harness.data.tabular.readers import lazy_table
from harness.data.tabular.schema import Schema
from harness.data.tabular.times import Unit, seconds, unit_of

LEAST = 1 << 16
"""Rows of a batch: so many or more, as Polars reads them, but for the last."""
NUMBER = "row"
"""A column of our own: which row of the table this is, where a split by row or groups ask for it."""


@dataclass(frozen=True)
class Table:
    """The columns that a schema asks for, named by their place; `time` in whole seconds."""

    frame: pl.LazyFrame
    schema: Schema
    """The kind of every field told."""
    files: Sequence[Source]
    where: str
    """Begins messages."""
    unit: Unit
    """Of times that are numbers."""
    doubts: tuple[Doubt, ...]
    """As in `Data`."""
    notes: tuple[str, ...]
    """What of the files is left out, and how times are read where that is worth a line."""
    delimited: bool
    """Whether the files are of delimited text."""
    numbered: bool = False
    """Whether rows are numbered."""

    def batches(self, places: Sequence[str] | None = None, rows: slice = slice(None)) -> Iterator[pl.DataFrame]:
        """The rows in their order, with all columns or these alone; of a range, if one is given.

        Raises:
            UserError: a file cannot be read, or a row has no time.
        """
        at, frame = rows.start or 0, self.frame if places is None else self.frame.select(places)
        for batch in self._read(frame if rows.stop is None else frame.slice(at, rows.stop - at)):
            yield self.finished(batch, at)
            at += len(batch)

    def _read(self, frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        parts = list[pl.DataFrame]()
        with readable_rows(self.files, self.schema.csv, f"{self.where}, "):
            for part in frame.collect_batches(engine="streaming"):
                parts.append(part)
                if sum(map(len, parts)) >= LEAST:
                    yield pl.concat(parts)
                    parts = []
        if parts:
            yield pl.concat(parts)

    def finished(self, batch: pl.DataFrame, at: int) -> pl.DataFrame:
        """A batch that begins at this row, with whole seconds and numbers of rows."""
        if "time" in batch.columns:
            assert self.schema.time is not None
            time = pl.Series("time", seconds(batch["time"], self.schema.time, self.unit.name, self.where))
            batch.replace_column(batch.get_column_index("time"), time)
        if self.numbered and NUMBER not in batch.columns:
            batch.insert_column(0, pl.Series(NUMBER, np.arange(at, at + len(batch))))
        return batch


def open_table(schema: Schema, files: Sequence[Source], where: str) -> Table:
    """The table that a schema describes, which is read anew by each pass.

    What a query joins, groups, sorts or looks at through a window is held, in order of time and of all its values, as a
    join keeps no other.

    Raises:
        UserError: a file cannot be read, an expression is not accepted, or a row has no time.
    """
    frame, schema, orderly, doubts, notes, delimited = lazy_table(schema, files, where)
    with readable_rows(files, schema.csv, f"{where}, "):
        rows = None if orderly else frame.collect(engine="streaming").sort(frame.collect_schema().names())
        unit = _unit(frame if rows is None else rows.lazy(), schema, where)
    numbered = schema.split.by in ("row", "group") or schema.group is not None
    notes = (*notes, unit.note) if unit.note else notes
    table = Table(frame, schema, files, where, unit, doubts, notes, delimited, numbered)
    if rows is None:
        return table
    rows = table.finished(rows, 0)
    rows = rows if schema.time is None else rows.sort("time", maintain_order=True)
    return Table(rows.lazy(), schema, files, where, Unit("s", unit.note), doubts, notes, delimited)


def _unit(frame: pl.LazyFrame, schema: Schema, where: str) -> Unit:
    return Unit() if schema.time is None else unit_of(frame.select("time"), schema.time, schema.time_unit, where)
