"""Fields that share a table hold values of one kind: text and whole numbers, say, have no id in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.fields import FieldSpec
from harness.data.tabular.schema import Schema


class Kind(NamedTuple):
    """What values are, and the SQL type that makes them so; empty: none does."""

    name: str
    type: str


TEXT, WHOLE, DATES = Kind("text", "VARCHAR"), Kind("whole numbers", "BIGINT"), Kind("dates", "DATE")
DATETIMES = {"ms": "TIMESTAMP(3)", "us": "TIMESTAMP(6)", "ns": "TIMESTAMP(9)"}
"""Of each unit, which the integers that stand for them count."""


class Column(NamedTuple):
    """A column that a field reads."""

    field: str
    sql: str
    dtype: pl.DataType

    @property
    def kind(self) -> Kind:
        dtype = self.dtype.inner if isinstance(self.dtype, pl.List | pl.Array) else self.dtype
        if dtype in (pl.String, pl.Categorical, pl.Enum):
            return TEXT
        if dtype.is_integer() or dtype == pl.Boolean:
            return WHOLE
        if isinstance(dtype, pl.Datetime):
            return Kind(f"datetimes in {dtype.time_unit}", DATETIMES[dtype.time_unit])
        return DATES if dtype == pl.Date else Kind(f"values of type {dtype}", "")

    def cast(self, kind: Kind) -> str:
        """What to write instead of it."""
        listed = "[]" if isinstance(self.dtype, pl.List | pl.Array) else ""
        return f"CAST({self.sql} AS {kind.type}{listed}) instead of {self.sql} in fields.{self.field}"


def check_shared(schema: Schema, types: Mapping[str, pl.DataType], where: str) -> None:
    """Refuse fields whose ids are never those of the table they share. types: of the column at each place.

    Raises:
        UserError: there is one. where: begins the message.
    """
    for name, spec in schema.fields.items():
        if spec.shares is None:
            continue
        owner = schema.fields[spec.shares]
        ours, theirs = _columns(name, spec, types), _columns(spec.shares, owner, types)
        begin = f"{where}: fields.{name} shares the table of '{spec.shares}'"
        if len(ours) != len(theirs):
            raise UserError(
                f"{begin}: a cross of columns has no id in common with one of other columns, or with a single one; "
                "accepted: no shares"
            )
        for our, their in zip(ours, theirs, strict=True):
            if our.kind != their.kind and not _are_read_alike(spec, our, owner, their):
                raise UserError(
                    f"{begin}, but {our.sql!r} holds {our.kind.name} and {their.sql!r} {their.kind.name}, which have "
                    f"no id in common; accepted: {_better(spec, our, their)}"
                )


def _columns(name: str, spec: FieldSpec, types: Mapping[str, pl.DataType]) -> list[Column]:
    places = spec.places(name, {})
    return [Column(name, sql, types[place]) for place, sql in places.items() if not place.startswith("weights.")]


def _are_read_alike(spec: FieldSpec, our: Column, owner: FieldSpec, their: Column) -> bool:
    """Ids of lists that are text are read as whole numbers where those of the table are."""
    return not spec.single and our.kind == TEXT and owner.kind == "id" and their.dtype.is_integer()


def _better(spec: FieldSpec, our: Column, their: Column) -> str:
    """A cast that gives both one kind: to that of the table, or where there is none from text, of the table to text."""
    of_text = our.kind == TEXT and (their.kind != WHOLE or our.dtype != pl.String or not spec.single)
    if of_text:
        return their.cast(TEXT)
    return our.cast(their.kind) if their.kind.type else "no shares"
