"""Table files, read as the columns that a schema asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from harness.base.errors import UserError, unknown
from harness.data.tabular.copies import refuse_copies
from harness.data.tabular.expressions import expression, queried, widened
from harness.data.tabular.formats import Scan, readable, scan
from harness.data.tabular.schema import Schema


def read_table(schema: Schema, files: Sequence[Path], where: str) -> pl.DataFrame:
    """One column per expression of the schema, named by its place; only the columns they need are read.

    where: begins messages.

    Raises:
        UserError: a file cannot be read, an expression is not accepted, no row is left, or a field is a label.
    """
    frame, read_again = scan(files, schema.csv, schema.text)
    columns = frame.collect_schema()
    for name in schema.text:
        if name not in columns:
            raise unknown("column", name, columns, f"{where}: text")
    if read_again is not None:
        _keep_zeros(schema, columns, read_again, files, where)
    if schema.query is not None:
        frame = queried(frame, schema.query, where)
    empty = pl.DataFrame(schema=frame.collect_schema())
    frame = widened(frame)
    headless = read_again is not None and any(name.lstrip("-").replace(".", "").isdigit() for name in columns)
    with _said("; if the file has no header, name its columns: names = [...] under [csv]" if headless else ""):
        if schema.where is not None:
            frame = frame.filter(expression(empty, "where", schema.where, where))
        chosen = [expression(empty, place, sql, where).alias(place) for place, sql in schema.expressions().items()]
    if read_again is not None and schema.query is None:
        _refuse_doubles(chosen, columns, where)
    with readable(files, f"{where}, "):
        table = frame.select(chosen).collect()
    if not len(table):
        left = "query" if schema.where is None else f"where = {schema.where!r}"
        raise UserError(f"{where}, file '{files[0]}': 0 rows are left by {left}")
    refuse_copies(table, schema, where)
    return table if schema.query is None else table.sort(table.columns)  # a join keeps no order


def _refuse_doubles(chosen: Sequence[pl.Expr], columns: pl.Schema, where: str) -> None:
    """Refuse a column whose name the header holds twice; Polars would take the first."""
    for name in (name for each in chosen for name in each.meta.root_names()):
        if f"{name}_duplicated_0" in columns:
            raise UserError(f"{where}: the header holds the column '{name}' twice; accepted: a name for each")


@contextmanager
def _said(hint: str) -> Iterator[None]:
    """Add a hint to what is refused."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error}{hint}") from error


def _keep_zeros(schema: Schema, columns: pl.Schema, read_again: Scan, files: Sequence[Path], where: str) -> None:
    """Refuse a column of delimited text whose ids differ as text, as `007` and `7`, and not as numbers."""
    numeric = [name for name, dtype in columns.items() if dtype.is_integer()]
    ids = [sql for place, sql in schema.expressions().items() if place.startswith(("fields.", "split.", "group"))]
    for name in (n for n in numeric if n in ids):
        with readable(files):
            text = read_again({name: pl.String()}).select(name).collect()[name]
        zeros = text.filter(text.str.contains(r"^-?0\d"))
        if len(zeros) and text.n_unique() > text.cast(pl.Int128).n_unique():
            raise UserError(
                f'{where}: column "{name}" has ids with zeros in front, as "{zeros[0]}", that are others as numbers; '
                f'accepted: text = ["{name}"] in the schema, which keeps them'
            )
