"""The TOML file that describes a table: which columns are ids, labels and time, and how rows are split."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import Field, ValidationError, field_validator, model_validator

from harness.api import Kinds, ListField, NumberField
from harness.base.config import Config, explain, read_toml
from harness.base.errors import UserError, unknown
from harness.base.places import DATASETS
from harness.data.tabular.csv_form import Csv, once
from harness.data.tabular.cut import Cut
from harness.data.tabular.fields import FieldSpec
from harness.data.tabular.files import one_file
from harness.data.tabular.kept import kept_of
from harness.data.tabular.thinned import Thinned
from harness.data.tabular.times import UNITS

BY_LABEL = ("labels", "observed", "kept")
"""Tables with a key for each label."""


class Schema(Config):
    """The TOML file, as documented in `TableFile`."""

    fields: dict[str, FieldSpec] = Field(min_length=1)
    labels: dict[str, str]
    observed: dict[str, str] = {}
    kept: dict[str, str] = {}
    """Label -> the share of a class of it that the log holds, as `0.1 of negatives`."""
    weight: str | None = None
    where: str | None = None
    sample: Thinned | None = None
    """Of whole values of a column; after `query`, which sees all rows."""
    group: str | None = None
    time: str | None = None
    time_unit: str = ""
    """Of times that are numbers; empty: found out."""
    query: str | None = None
    text: list[str] = []
    optional: list[str] = []
    """Columns that some files may not have; null there."""
    path: str | list[str] = ""
    csv: Csv = Csv()
    split: Cut

    @field_validator("fields", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if isinstance(value, list):
            if not all(isinstance(name, str) for name in value):
                raise ValueError("a list holds names of columns")
            value = {name: name for name in once(value)}
        if not isinstance(value, dict):
            return value
        if not value:
            raise ValueError('there is none; accepted: one at least, as user = "user_id"')
        return {name: {"column": told} if isinstance(told, str) else told for name, told in value.items()}

    @field_validator("labels")
    @classmethod
    def _any(cls, value: dict[str, str]) -> dict[str, str]:
        if not value:
            raise ValueError('there is none; accepted: one at least, as click = "clicked"')
        return value

    @field_validator("kept")
    @classmethod
    def _shares(cls, value: dict[str, str]) -> dict[str, str]:
        for text in value.values():
            kept_of(text)
        return value

    @field_validator("time_unit")
    @classmethod
    def _unit(cls, value: str) -> str:
        if value and value not in UNITS:
            raise ValueError(str(unknown("unit", value, UNITS)))
        return value

    @model_validator(mode="after")
    def _fits(self) -> Schema:
        for table in BY_LABEL:
            for name in vars(self)[table]:
                if name not in self.labels:
                    raise ValueError(str(unknown("label", name, self.labels, table)))
        if self.split.by == "time" and self.time is None:
            raise ValueError('split.by = "time" needs `time`, the SQL expression that gives it')
        if self.time_unit and self.time is None:
            raise ValueError(f'time_unit = "{self.time_unit}" needs `time`, the SQL expression that gives it')
        for field, spec in self.fields.items():
            for place, sql in spec.places(field, self.fields).items():
                if not place.startswith("history_where"):  # which is of earlier rows alone
                    self._refuse_labels(field, sql)
        if odd := self.odd_history():
            raise ValueError(odd)
        return self

    def _refuse_labels(self, field: str, sql: str) -> None:
        for label, told in self.labels.items():
            if _bare(sql) == _bare(told):
                raise ValueError(f"fields.{field} = {sql!r} is the label '{label}' itself; leave it out")

    def odd_history(self) -> str:
        """What is wrong with a history; empty: nothing. Asked once more when the types of columns have told kinds."""
        ids = [name for name, spec in self.fields.items() if spec.kind in ("column", "id")]
        for name, history in ((n, spec.history) for n, spec in self.fields.items() if spec.history is not None):
            if self.time is None:
                return f"fields.{name} is made of earlier rows, and needs `time`, the SQL that gives it"
            if history.of not in self.fields:
                return str(unknown("field", history.of, ids, f"fields.{name}: of"))
            if history.of not in ids:
                said = f"fields.{name}: of = '{history.of}' is a {self.fields[history.of].kind}"
                return f"{said}; accepted: fields of one column's ids: {', '.join(ids) or 'none here'}"
            if history.by in self.fields and (kind := self.fields[history.by].kind) in ("cross", "history"):
                return f"fields.{name}: by = '{history.by}' is a {kind}; accepted: a field of one column, or SQL"
        return ""

    def expressions(self) -> dict[str, str]:
        """Place in the schema -> SQL of every column to read."""
        found: dict[str, str] = {}
        for name, spec in self.fields.items():
            found |= spec.places(name, self.fields)
        for table, told in (("labels", self.labels), ("observed", self.observed)):
            found |= {f"{table}.{name}": sql for name, sql in told.items()}
        single = {"group": self.group, "time": self.time, "weight": self.weight, "split.column": self.split.column}
        return found | {place: sql for place, sql in single.items() if sql is not None}

    def of_types(self, types: Mapping[str, pl.DataType]) -> Schema:
        """The same, the kind of every field told. types: of the columns that have to tell it, by field."""
        told = {name: spec.of_type(types[name]) if name in types else spec for name, spec in self.fields.items()}
        return self.model_copy(update={"fields": told})

    def single_ids(self) -> tuple[str, ...]:
        """The fields of which an example has one id, once the kind of every field is told."""
        return tuple(name for name, spec in self.fields.items() if spec.single)

    def list_names(self) -> tuple[str, ...]:
        """The lists, sequences and histories."""
        return tuple(name for name, spec in self.fields.items() if not spec.single and spec.number is None)

    def kinds(self) -> Kinds:
        """The other fields.

        Raises:
            UserError: one cannot be what it is said to be.
        """
        numbers, lists, shares = list[NumberField](), list[ListField](), dict[str, str]()
        for name, spec in self.fields.items():
            if spec.number is not None:
                numbers.append(NumberField(name, spec.scale, spec.buckets, spec.mean, spec.deviation, spec.edges))
            elif not spec.single:
                last = spec.longest if spec.history is None else spec.history.last
                lists.append(ListField(name, last, spec.pool, ordered=spec.kind != "list"))
            if (owner := spec.shares if spec.history is None else spec.history.of) is not None:
                shares[name] = owner
        return Kinds(tuple(numbers), tuple(lists), shares)


def _bare(sql: str) -> str:
    """An expression without casts, quotes and blanks, which do not change what it tells."""
    text = re.sub(r"\s|\"", "", sql).lower()
    while found := re.fullmatch(r"(?:cast\((.*)as\w+\)|\((.*)\)|(.*)::\w+)", text):
        text = next(part for part in found.groups() if part is not None)
    return text


def read_schema(text: str, labels: tuple[str, ...]) -> Schema:
    """Read a schema, with these labels alone.

    Raises:
        UserError: it is missing or not TOML, or a key, value or label is not accepted.
    """
    if not text:
        raise UserError("table_file: schema = '' is not given; accepted: a TOML file, as \"datasets/globo.toml\"")
    path = one_file(text, "table_file: schema", DATASETS)
    values = read_toml(path, f"schema '{text}' cannot be read as TOML")
    try:
        schema = Schema.model_validate(values)
    except ValidationError as error:
        raise UserError(f"schema '{text}': {explain(error, Schema)}") from error
    for name in labels:
        if name not in schema.labels:
            raise unknown("label", name, schema.labels, f"table_file: labels, schema '{text}'")
        if labels.count(name) > 1:
            raise UserError(f"table_file: labels = {', '.join(labels)}: '{name}' is listed twice; accepted: each once")
    chosen = {t: {n: s for n, s in getattr(schema, t).items() if n in labels} for t in BY_LABEL}
    return schema.model_copy(update=chosen) if labels else schema
