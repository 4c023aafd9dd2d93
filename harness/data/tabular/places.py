"""The places of SQL in a schema, as `numbers.price`: the key by which a user knows each, and the types taken there."""

from __future__ import annotations

import polars as pl
from polars.datatypes import DataTypeClass

from harness.base.errors import UserError

OF_FIELDS = ("columns", "numbers", "lists", "weights", "crossed", "history_by", "history_where")
"""Begin the places of what fields are made of, beside `fields` itself."""


def key_of(place: str) -> str:
    """The key of a schema under which the SQL of a place stands."""
    kind, *names = place.split(".")
    return f"fields.{names[0]}" if kind in OF_FIELDS else place


def check_type(dtype: pl.DataType, place: str, sql: str, at: str) -> None:
    """Refuse SQL of a type that is not accepted at a place. at: begins the message.

    Raises:
        UserError: it is of another.
    """
    kind = place.partition(".")[0]
    listed = dtype.inner if isinstance(dtype, (pl.List, pl.Array)) else None
    match kind:
        case "where" | "observed" | "history_where":
            fits, accepted = dtype == pl.Boolean, "a condition, true or false"
        case "labels":
            fits = dtype == pl.Boolean or dtype.is_numeric() or dtype in (pl.String, pl.Categorical, pl.Enum)
            accepted = f"0, 1, true, false or null, as {sql if sql.isidentifier() else f'({sql})'} IS NOT NULL"
        case "time":
            fits = dtype.is_numeric() or dtype in (pl.Date, pl.Datetime, pl.String)
            accepted = "seconds as a number, or a date"
        case "weight":
            fits, accepted = dtype.is_numeric(), "a number, 0 or more"
        case "numbers":
            fits, accepted = dtype.is_numeric() or dtype == pl.Boolean, f"a number, as CAST({sql} AS DOUBLE)"
        case "weights":
            fits, accepted = listed is not None and listed.is_numeric(), "a list of numbers"
        case "lists":
            fits = dtype == pl.String or (listed is not None and is_id(listed))
            accepted = "a list of whole numbers or text, or text as a|b|c"
        case "columns":
            fits = is_id(dtype) or dtype.is_numeric() or (listed is not None and is_id(listed))
            accepted = "whole numbers, text, numbers, or a list of whole numbers or text"
        case _:
            fits, accepted = is_id(dtype), f"whole numbers or text, as CAST({sql} AS BIGINT)"
    if not fits:
        raise UserError(f"{at} is of type {dtype}; accepted: {accepted}")


def is_id(dtype: pl.DataType | DataTypeClass) -> bool:
    """Whether values of a type can be ids."""
    return not (dtype.is_float() or dtype.is_decimal() or dtype.is_nested() or dtype in (pl.Null, pl.Object))
