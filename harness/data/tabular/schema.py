"""The TOML file that describes a table: which columns are ids, labels and time, and how rows are split."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from harness.base.config import Config, explain, read_toml
from harness.base.errors import UserError, unknown
from harness.data.tabular.files import one_file
from harness.data.tabular.splits import duration

WAYS = ("time", "group", "row", "column")
"""To split rows."""

ONE_BYTE = r"^[\x00-\x7f]*$"


def _once(names: list[str]) -> list[str]:
    """The same names, each of which must stand there once."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{name}' is listed twice")
    return names


class Cut(Config):
    """How rows are split."""

    by: str
    """time, group, row or column."""
    column: str | None = None
    """With group: what must not be torn apart. With column: what says train, valid or test."""
    valid: float = Field(0.1, gt=0)
    test: float = Field(0.1, gt=0)
    gap: str = ""
    """With time: how long before valid rows are left out of train, as 90d."""

    @property
    def gap_seconds(self) -> int:
        return duration(self.gap) if self.gap else 0

    @model_validator(mode="after")
    def _fits(self) -> Cut:
        if self.by not in WAYS:
            raise ValueError(str(unknown("split", self.by, WAYS)))
        needs = self.by in ("group", "column")
        if needs != (self.column is not None):
            raise ValueError(f'by = "{self.by}" {"needs a column" if needs else "takes no column"}')
        if self.gap_seconds and self.by != "time":
            raise ValueError(f'gap = "{self.gap}" is between times; accepted: with by = "time"')
        if self.valid + self.test >= 1:
            raise ValueError(f"valid + test = {self.valid + self.test:g} leaves no rows to train on; accepted: below 1")
        return self


class Csv(Config):
    """How delimited text is written."""

    separator: str = Field("", max_length=1, pattern=ONE_BYTE)
    """Empty: the most frequent of tab, comma, semicolon and bar in the first row."""
    header: bool = True
    """Whether the first row holds the names; where it does not, they are column_0, column_1, ..."""
    names: list[str] = []
    """Of the columns of a file without a header."""
    quote: str = Field('"', max_length=1, pattern=ONE_BYTE)
    """Empty: quotes are text."""
    comment: str = ""
    """Begins lines to skip."""
    nulls: list[str] = []
    """Values that mean unknown, beside the empty one."""

    @field_validator("names")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        return _once(value)


class Schema(Config):
    """The TOML file, as documented in `TableFile`."""

    fields: dict[str, str] = Field(min_length=1)
    labels: dict[str, str] = Field(min_length=1)
    observed: dict[str, str] = {}
    where: str | None = None
    group: str | None = None
    time: str | None = None
    query: str | None = None
    text: list[str] = []
    path: str | list[str] = ""
    csv: Csv = Csv()
    split: Cut

    @field_validator("fields", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if not all(isinstance(name, str) for name in value):
            raise ValueError("a list holds names of columns")
        return {name: name for name in _once(value)}

    @model_validator(mode="after")
    def _fits(self) -> Schema:
        for name in self.observed:
            if name not in self.labels:
                raise ValueError(str(unknown("label", name, self.labels, "observed")))
        if self.split.by == "time" and self.time is None:
            raise ValueError('split.by = "time" needs `time`, the SQL expression that gives it')
        for field, sql in self.fields.items():
            for label, told in self.labels.items():
                if _bare(sql) == _bare(told):
                    raise ValueError(f"fields.{field} = {sql!r} is the label '{label}' itself; leave it out")
        return self

    def expressions(self) -> dict[str, str]:
        """Place in the schema -> SQL of every column to read."""
        named = {
            f"{table}.{name}": sql
            for table in ("fields", "labels", "observed")
            for name, sql in vars(self)[table].items()
        }
        single = {"group": self.group, "time": self.time, "split.column": self.split.column}
        return named | {place: sql for place, sql in single.items() if sql is not None}


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
    path = one_file(text, "table_file: schema")
    values = read_toml(path, f"schema '{text}' cannot be read as TOML")
    try:
        schema = Schema.model_validate(values)
    except ValidationError as error:
        raise UserError(f"schema '{text}': {explain(error, Schema)}") from error
    for name in labels:
        if name not in schema.labels:
            raise unknown("label", name, schema.labels, f"table_file: labels, schema '{text}'")
    chosen = {t: {n: s for n, s in getattr(schema, t).items() if n in labels} for t in ("labels", "observed")}
    return schema.model_copy(update=chosen) if labels else schema
