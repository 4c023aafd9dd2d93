"""A table file, read as the columns that a schema asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from harness.base.errors import UserError, unknown
from harness.data.tabular.schema import Schema


@contextmanager
def refusing(place: str) -> Iterator[None]:
    """Turn an error of Polars into one line that names the place."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{place}: {(str(error).strip() or type(error).__name__).splitlines()[0]}") from error


def _scan(path: Path, text: list[str]) -> pl.LazyFrame:
    """The file's rows, unread; whether it is Parquet is told by its content."""
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


def read_table(schema: Schema, path: Path, where: str) -> pl.DataFrame:
    """One column per expression of the schema, named by its place; only the columns they need are read."""
    frame = _scan(path, schema.text)
    columns = frame.collect_schema()
    for name in schema.text:
        if name not in columns:
            raise unknown("column", name, columns, f"{where}: text")
    if schema.query is not None:
        with refusing(f"{where}: query"):
            frame = pl.SQLContext(data=frame).execute(schema.query)
            columns = frame.collect_schema()
    empty = pl.DataFrame(schema=columns)
    if schema.where is not None:
        frame = frame.filter(_expression(empty, "where", schema.where, where))
    chosen = [_expression(empty, place, sql, where).alias(place) for place, sql in schema.expressions().items()]
    with refusing(f"{where}, file '{path}'"):
        table = frame.select(chosen).collect()
    if not len(table):
        left = "query" if schema.where is None else f"where = {schema.where!r}"
        raise UserError(f"{where}, file '{path}': 0 rows are left by {left}")
    return table if schema.query is None else table.sort(table.columns)  # a join keeps no order


def _expression(empty: pl.DataFrame, place: str, sql: str, where: str) -> pl.Expr:
    """A parsed expression, its columns and type checked on a table without rows."""
    at = f"{where}: {place} = {sql!r}"
    with refusing(f"{at} is not accepted"):
        expression = pl.col(sql) if sql in empty.columns else pl.sql_expr(sql)
    for name in expression.meta.root_names():
        if name not in empty.columns:
            raise unknown("column", name, empty.columns, at)
    with refusing(f"{at} is not accepted"):
        dtype = empty.select(expression).dtypes[0]
    kind = place.partition(".")[0]
    if kind in ("where", "observed"):
        fits, accepted = dtype == pl.Boolean, "a condition, true or false"
    elif kind == "labels":
        fits, accepted = dtype == pl.Boolean or dtype.is_numeric(), "0, 1, true, false or null"
    elif kind == "time":
        fits, accepted = dtype.is_numeric() or dtype in (pl.Date, pl.Datetime), "seconds as a number, or a date"
    else:
        fits = not (dtype.is_float() or dtype.is_nested() or dtype in (pl.Null, pl.Object))
        accepted = f"whole numbers or text, as CAST({sql} AS BIGINT)"
    if not fits:
        raise UserError(f"{at} is of type {dtype}; accepted: {accepted}")
    return expression
