"""What a schema says of one field: its kind, where its values come from, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from harness.api import ListField, NumberField
from harness.base.config import Config
from harness.base.durations import Span, duration

KINDS = ("column", "id", "cross", "number", "list", "sequence", "history")
OPTIONS = {
    "column": (),
    "id": ("shares",),
    "cross": ("shares",),
    "number": ("scale", "buckets", "mean", "deviation", "edges"),
    "list": ("separator", "longest", "pool", "weights", "shares"),
    "sequence": ("separator", "longest", "pool", "weights", "shares"),
    "history": ("pool",),
}
"""Kind -> the other keys it takes."""


class History(Config):
    """A sequence made of the log itself: for each row, what the rows before it hold, strictly earlier in time."""

    of: str
    """A field of one column's ids, of which it is made and whose table it shares."""
    by: str
    """A field, or SQL: only rows that are equal in it count, as those of one user."""
    where: str | None = None
    """SQL: which rows count, as "clicked"."""
    last: int = Field(50, ge=1, le=10_000)
    """How many, the latest ones."""
    after: Span = ""
    """How much earlier a row is at least, as 7d: the time that it takes to know whether it counts. Empty: nothing is
    said of it."""

    @property
    def after_seconds(self) -> int:
        return duration(self.after) if self.after else 0


class FieldSpec(Config):
    """One of `KINDS`, whose value is SQL, and its options. As text alone: the kind that the column's type tells."""

    column: str | None = None
    """Integers, text, booleans and dates are ids; numbers with a fraction are a number; a list column is a list."""
    id: str | None = None
    cross: tuple[str, ...] | None = Field(None, min_length=2)
    """Columns, each combination of which is an id."""
    number: str | None = None
    list: str | None = None
    """A list column; or text as `a|b|c` or `["a", "b"]`."""
    sequence: str | None = None
    """The same in order, the oldest first; models with attention read its ids one by one."""
    history: History | None = None
    shares: str | None = None
    """The field whose table it looks up, instead of one of its own."""
    scale: str = NumberField.scale
    buckets: int = NumberField.buckets
    mean: float | None = None
    deviation: float | None = None
    edges: tuple[float, ...] = ()
    separator: str = Field("|", min_length=1)
    """Between the ids of a list that is text."""
    longest: int = ListField.longest
    pool: str = ListField.pool
    weights: str | None = None
    """Of the ids of a list: lists of numbers that are as long."""

    @model_validator(mode="after")
    def _fits(self) -> FieldSpec:
        told = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(told) != 1:
            named = " and ".join(told) or "nothing"
            raise ValueError(f"{named} tells what the field is; accepted: one of {', '.join(KINDS)}")
        allowed = (*KINDS, *OPTIONS[told[0]])
        if odd := [key for key in self.model_fields_set if key not in allowed]:
            others = ", ".join(OPTIONS[told[0]]) or "no other key"
            raise ValueError(f"{odd[0]} does not belong to a field of kind {told[0]}; accepted: {others}")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def single(self) -> bool:
        """Whether an example has one id of it."""
        return self.kind in ("id", "cross")

    def places(self, name: str, fields: Mapping[str, FieldSpec]) -> dict[str, str]:
        """Place -> SQL of every column that the field reads; the kind begins the place, as `numbers.price`."""
        if self.cross is not None:
            return {f"crossed.{name}.{i}": sql for i, sql in enumerate(self.cross)}
        if self.history is not None:
            by = fields[self.history.by].sql if self.history.by in fields else self.history.by
            where = {} if self.history.where is None else {f"history_where.{name}": self.history.where}
            return {f"history_by.{name}": by} | where
        begins = {"column": "columns", "number": "numbers", "id": "fields"}.get(self.kind, "lists")
        weights = {} if self.weights is None else {f"weights.{name}": self.weights}
        return {f"{begins}.{name}": self.sql} | weights

    @property
    def sql(self) -> str:
        """Of a field that one expression gives."""
        return str(getattr(self, self.kind))

    def of_type(self, dtype: pl.DataType) -> FieldSpec:
        """The same field. Where nothing else says its kind, the type of its column does."""
        if self.column is None:
            return self
        number = dtype.is_float() or dtype.is_decimal()
        kind = "list" if dtype in (pl.List, pl.Array) else "number" if number else "id"
        told: dict[str, Any] = {kind: self.column}
        return FieldSpec(**told)
