"""Columns that have parts, as objects of JSON and structures of Parquet: `user.geo.city` is a part of `user`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from harness.base.errors import UserError

MOST_PARTS = 5
"""That a message names."""


def part_of(
    sql: str, columns: Mapping[str, Any], begin: str, within: pl.Expr | None = None
) -> tuple[pl.Expr, pl.DataType] | None:
    """The part of a nested column to which names with points between them lead, and its type; None: there is none.

    columns: name -> type. begin: begins the names under which columns stand in the frame. within: what all of them are
    parts of.
    """
    for name, dtype in columns.items():
        if is_pattern(name) or not f"{sql}.".startswith(f"{name}."):
            continue
        here = pl.col(f"{begin}{name}") if within is None else within.struct.field(name)
        if sql == name:
            return here, dtype
        if isinstance(dtype, pl.Struct):
            found = part_of(sql[len(name) + 1 :], dtype.to_schema(), begin, here)
            if found is not None:
                return found
    return None


def is_pattern(name: str) -> bool:
    """Whether Polars takes a name for those of several columns."""
    return name == "*" or (name[:1] == "^" and name[-1:] == "$")


def widest(dtype: pl.DataType) -> pl.DataType:
    """The type with integers of 128 bits, which no sum or product of two others leaves."""
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: widest(field.dtype) for field in dtype.fields})  # type: ignore[arg-type]
    return pl.Int128() if dtype.is_integer() else dtype


def refuse_nested(dtype: pl.DataType, sql: str, at: str) -> None:
    """Refuse a column that has parts, where one value is needed. at: begins the message.

    Raises:
        UserError: it is one.
    """
    if isinstance(dtype, pl.Struct):
        parts = ", ".join(f"{sql}.{field.name}" for field in dtype.fields[:MOST_PARTS])
        raise UserError(f"{at} is nested; accepted: {f'a part of it, as {parts}' if parts else 'a column with parts'}")
