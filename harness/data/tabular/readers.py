"""A table file, read as the columns that a schema asks for."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from harness.base.errors import UserError, unknown
from harness.data.tabular.copies import refuse_copies
from harness.data.tabular.expressions import expression, queried, refusing, widened
from harness.data.tabular.schema import Schema


def read_table(schema: Schema, path: Path, where: str) -> pl.DataFrame:
    """One column per expression of the schema, named by its place; only the columns they need are read.

    where: begins messages.

    Raises:
        UserError: the file cannot be read, an expression is not accepted, no row is left, or a field is a label.
    """
    frame = _scan(path, schema.text)
    columns = frame.collect_schema()
    for name in schema.text:
        if name not in columns:
            raise unknown("column", name, columns, f"{where}: text")
    _keep_zeros(schema, path, columns, where)
    if schema.query is not None:
        frame = queried(frame, schema.query, where)
    empty = pl.DataFrame(schema=frame.collect_schema())
    frame = widened(frame)
    if schema.where is not None:
        frame = frame.filter(expression(empty, "where", schema.where, where))
    chosen = [expression(empty, place, sql, where).alias(place) for place, sql in schema.expressions().items()]
    with refusing(f"{where}, file '{path}'"):
        table = frame.select(chosen).collect()
    if not len(table):
        left = "query" if schema.where is None else f"where = {schema.where!r}"
        raise UserError(f"{where}, file '{path}': 0 rows are left by {left}")
    refuse_copies(table, schema, where)
    return table if schema.query is None else table.sort(table.columns)  # a join keeps no order


def _scan(path: Path, text: list[str]) -> pl.LazyFrame:
    """The file's rows, unread; its content says whether it is Parquet."""
    with refusing(f"file '{path}' cannot be read"):
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PAR1":
            frame = pl.scan_parquet(path, glob=False)
        elif start and path.suffix.lower() == ".csv":
            typed = dict.fromkeys(text, pl.String)
            guess = pl.scan_csv(path, glob=False, infer_schema_length=None, schema_overrides=typed)
            frame = pl.scan_csv(path, glob=False, schema=guess.collect_schema())  # so types are inferred only once
        else:
            problem = "is neither Parquet nor named *.csv" if start else "is empty"
            raise UserError(f"file '{path}' {problem}; accepted: a Parquet or CSV file")
        if not len(frame.head(1).collect()):
            raise UserError(f"file '{path}' has 0 rows; accepted: a row for every example")
    return frame


def _keep_zeros(schema: Schema, path: Path, columns: pl.Schema, where: str) -> None:
    """Refuse a column of a CSV file whose ids differ as text, as `007` and `7`, and not as numbers."""
    if path.suffix.lower() != ".csv":
        return
    numeric = [name for name, dtype in columns.items() if dtype.is_integer()]
    ids = [sql for place, sql in schema.expressions().items() if place.startswith(("fields.", "split.", "group"))]
    for name in (n for n in numeric if n in ids):
        with refusing(f"file '{path}' cannot be read"):
            text = (
                pl.scan_csv(path, glob=False, schema=columns | {name: pl.String}).select(pl.col(name)).collect()[name]
            )
        zeros = text.filter(text.str.contains(r"^-?0\d"))
        if len(zeros) and text.n_unique() > text.cast(pl.Int128).n_unique():
            raise UserError(
                f'{where}: column "{name}" has ids with zeros in front, as "{zeros[0]}", that are others as numbers; '
                f'accepted: text = ["{name}"] in the schema, which keeps them'
            )
