"""Your own data: a Parquet or CSV file, and a small TOML file that says which columns are ids, labels and time."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness.api import Data, Dataset, Generator, Ints, Split, UserError, hash_ids
from harness.plugin import unknown

ROOT = Path(__file__).resolve().parent.parent
Bools = npt.NDArray[np.bool_]


class TableFile(Dataset):
    """schema: a TOML file, sought in the current folder, then in the repository. path: the Parquet or CSV file.
    labels: which of the schema's labels to train on, all of them if none are named.

    `path` may also stand in the schema; environment variables in either are expanded. Values in the schema are SQL
    expressions (of Polars) over the columns of the file; optional keys are marked by a question mark:

        fields = ["user_id", "item_id"]   # columns, or a table [fields] of name = "SQL"; integers, text, bool, dates
        where = "day <= 8"                # ? rows to keep
        group = "user_id"                 # ? for GAUC
        time = "ts_ms / 1000"             # ? seconds, or a date; puts rows in order
        query = "SELECT *, ... FROM data" # ? derives columns first, from ALL rows: windows and joins
        text = ["zip"]                    # ? columns of a CSV file that are text, though they look like numbers
        path = "$CLICKS"                  # ?
        [labels]
        click = "clicked"                 # 0, 1, true, false, or null for unknown
        [observed]                        # ? where a label is known at all
        click = "shown = 1"
        [split]
        by = "group"                      # "time": later rows are tested; "group": no value of `column` is torn apart
        column = "session_id"             # with by = "group" only
        valid = 0.1                       # ? shares
        test = 0.1

    Ids are exact: integers stay as they are (unsigned ones above 2**63 wrap), other types become their rank among
    the distinct values of the column, and null is an id of its own.
    """

    name = "table_file"
    version = 1
    schema: str = ""
    path: str = ""
    labels: tuple[str, ...] = ()

    def build(self, rng: Generator) -> Data:
        schema = _schema(self.schema, self.labels)
        table = _read(schema, _file(self.path or schema.path), f"schema '{self.schema}'")
        ids_NF = np.column_stack([_ids(table[f"fields.{name}"]) for name in schema.fields])
        labels_NT, observed_NT = _labels(table, schema, f"schema '{self.schema}'")
        group_N = None if schema.group is None else _ids(table["group"])
        time_N = None if schema.time is None else _seconds(table["time"], f"schema '{self.schema}': time")
        parts = [
            Split(
                ids_NF=ids_NF[at],
                labels_NT=labels_NT[at],
                observed_NT=None if observed_NT.all() else observed_NT[at],
                group_N=None if group_N is None else group_N[at],
                time_N=None if time_N is None else time_N[at],
            )
            for at in _split(schema.split, table, time_N, rng)
        ]
        return Data(tuple(schema.fields), tuple(schema.labels), *parts)

    def fingerprint(self) -> dict[str, Any]:
        """Content of file and schema, not where they lie."""
        schema = _schema(self.schema, self.labels)
        path = _file(self.path or schema.path)
        meaning = json.dumps(schema.model_dump(exclude={"path"}))
        with _refusing(f"file '{path}' cannot be read"):
            status = path.stat()
            content = _digest(path.resolve(), status.st_size, status.st_mtime_ns)
        return {"file": content, "schema": meaning, "polars": pl.__version__}


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Cut(Config):
    """How rows are split."""

    by: str
    column: str | None = None
    valid: float = Field(0.1, gt=0)
    test: float = Field(0.1, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Cut:
        if self.by not in ("time", "group"):
            raise ValueError(str(unknown("split", self.by, ("time", "group"))))
        if (self.by == "group") != (self.column is not None):
            raise ValueError('by = "group" needs a column, by = "time" takes none')
        if self.valid + self.test >= 1:
            raise ValueError(f"valid + test = {self.valid + self.test:g} leaves no rows to train on; accepted: below 1")
        return self


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
    path: str = ""
    split: Cut

    @field_validator("fields", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if not all(isinstance(name, str) for name in value):
            raise ValueError("a list holds names of columns")
        return {name: name for name in value}

    @model_validator(mode="after")
    def _fits(self) -> Schema:
        for name in self.observed:
            if name not in self.labels:
                raise ValueError(str(unknown("label", name, self.labels, "observed")))
        if self.split.by == "time" and self.time is None:
            raise ValueError('split.by = "time" needs `time`, the SQL expression that gives it')
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


def _schema(text: str, labels: tuple[str, ...]) -> Schema:
    """Read a schema, with these labels alone.

    Raises:
        UserError: it is missing or not TOML, or a key, value or label is not accepted.
    """
    if not text:
        raise UserError("table_file: schema = '' is not given; accepted: a TOML file, as \"datasets/globo.toml\"")
    path = _find(text, "table_file: schema")
    try:
        schema = Schema.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"schema '{text}' cannot be read as TOML: {error}") from error
    except ValidationError as error:
        raise UserError(f"schema '{text}': {_explain(error)}") from error
    for name in labels:
        if name not in schema.labels:
            raise unknown("label", name, schema.labels, f"table_file: labels, schema '{text}'")
    chosen = {t: {n: s for n, s in getattr(schema, t).items() if n in labels} for t in ("labels", "observed")}
    return schema.model_copy(update=chosen) if labels else schema


def _explain(error: ValidationError) -> str:
    """The first problem on one line: place, value and the nearest accepted key."""
    first = error.errors()[0]
    *outer, last = map(str, first["loc"] or ("schema",))
    place = ".".join([*outer, last])
    if first["type"] == "extra_forbidden":
        return str(unknown("key", last, (Cut if outer else Schema).model_fields, ".".join(outer)))
    if first["type"] == "missing":
        return f"{place} is missing"
    value = "" if isinstance(first["input"], dict) and first["input"] else f" = {first['input']!r}"
    return f"{place}{value} is not accepted: {first['msg'].removeprefix('Value error, ')}"


def _near(name: str, options: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(options), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def _find(text: str, what: str) -> Path:
    """The file that `text` names, in the current folder or the repository."""
    expanded = os.path.expanduser(os.path.expandvars(text))
    tried = [Path(expanded), ROOT / expanded]
    for path in tried:
        if path.is_file():
            return path
    for name in re.findall(r"\$\{?(\w+)", expanded):
        raise UserError(f"{what} = '{text}': ${name} is not set{_near(name, os.environ)}")
    siblings = (p.name for path in tried if path.parent.is_dir() for p in path.parent.iterdir())
    problem = "is a folder, not a file" if tried[0].is_dir() else f"does not exist{_near(tried[0].name, siblings)}"
    raise UserError(f"{what} = '{text}': the file {problem}")


def _file(text: str) -> Path:
    if not text:
        raise UserError("table_file: path = '' is not given, nor in the schema; accepted: a Parquet or CSV file")
    return _find(text, "table_file: path")


@cache
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    """Digest of a file's content; read once per process while size and time of change stay the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


@contextmanager
def _refusing(place: str) -> Iterator[None]:
    """Turn an error of Polars into one line that names the place."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{place}: {(str(error).strip() or type(error).__name__).splitlines()[0]}") from error


def _scan(path: Path, text: list[str]) -> pl.LazyFrame:
    """The file's rows, unread; whether it is Parquet is told by its content."""
    with _refusing(f"file '{path}' cannot be read"):
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


def _read(schema: Schema, path: Path, where: str) -> pl.DataFrame:
    """One column per expression of the schema, named by its place; only the columns they need are read."""
    frame = _scan(path, schema.text)
    columns = frame.collect_schema()
    for name in schema.text:
        if name not in columns:
            raise unknown("column", name, columns, f"{where}: text")
    if schema.query is not None:
        with _refusing(f"{where}: query"):
            frame = pl.SQLContext(data=frame).execute(schema.query)
            columns = frame.collect_schema()
    empty = pl.DataFrame(schema=columns)
    if schema.where is not None:
        frame = frame.filter(_expression(empty, "where", schema.where, where))
    chosen = [_expression(empty, place, sql, where).alias(place) for place, sql in schema.expressions().items()]
    with _refusing(f"{where}, file '{path}'"):
        table = frame.select(chosen).collect()
    if not len(table):
        left = "query" if schema.where is None else f"where = {schema.where!r}"
        raise UserError(f"{where}, file '{path}': 0 rows are left by {left}")
    return table if schema.query is None else table.sort(table.columns)  # a join keeps no order


def _expression(empty: pl.DataFrame, place: str, sql: str, where: str) -> pl.Expr:
    """A parsed expression, its columns and type checked on a table without rows."""
    at = f"{where}: {place} = {sql!r}"
    with _refusing(f"{at} is not accepted"):
        expression = pl.col(sql) if sql in empty.columns else pl.sql_expr(sql)
    for name in expression.meta.root_names():
        if name not in empty.columns:
            raise unknown("column", name, empty.columns, at)
    with _refusing(f"{at} is not accepted"):
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


def _ids(column: pl.Series) -> Ints:
    """int64 ids, equal exactly where the values are; a null has an id of its own."""
    if column.dtype in (pl.Int128, pl.UInt128):  # what CSV gives for integers above 2**63
        narrow = column.cast(pl.UInt64, strict=False)
        column = narrow if narrow.null_count() == column.null_count() else column
    if column.dtype == pl.Boolean:
        column = column.cast(pl.UInt8)
    elif not column.dtype.is_integer() or column.dtype in (pl.Int128, pl.UInt128):
        column = (column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column).rank("dense")
    null_N = column.is_null().to_numpy()
    value_N = column.fill_null(0).to_numpy()
    id_N: Ints = value_N.view(np.int64) if value_N.dtype == np.uint64 else value_N.astype(np.int64)
    return np.where(null_N, _free(id_N[~null_N]), id_N) if null_N.any() else id_N


def _free(ids_M: Ints) -> int:
    """An int64 that is not among the ids."""
    taken = np.unique(ids_M)
    if len(taken) == 0 or taken[0] > np.iinfo(np.int64).min:
        return int(taken[0]) - 1 if len(taken) else 0
    gaps = np.flatnonzero(np.diff(taken.view(np.uint64)) != 1)
    return int(taken[gaps[0] if len(gaps) else -1]) + 1


def _labels(table: pl.DataFrame, schema: Schema, where: str) -> tuple[npt.NDArray[np.uint8], Bools]:
    """labels_NT and observed_NT."""
    labels, observed = [], []
    for name, sql in schema.labels.items():
        column = table[f"labels.{name}"]
        known = column.is_not_null()
        if name in schema.observed:
            known &= table[f"observed.{name}"].fill_null(False)
        value_N, known_N = column.cast(pl.Float64).fill_null(0.0).to_numpy(), known.to_numpy()
        bad_N = known_N & (value_N != 0) & (value_N != 1)
        if bad_N.any():
            value = f"labels.{name} = {sql!r} has the value {column[int(bad_N.argmax())]}"
            raise UserError(f"{where}: {value}; accepted: 0, 1, true, false, null")
        labels.append((known_N & (value_N == 1)).astype(np.uint8))
        observed.append(known_N)
    return np.column_stack(labels), np.column_stack(observed)


def _seconds(column: pl.Series, where: str) -> Ints:
    """int64 seconds of a date or a number, rounded down."""
    if column.dtype.is_temporal():
        column = column.dt.epoch("s")
    whole = (column.floor() if column.dtype.is_float() else column).cast(pl.Int64, strict=False)
    if missing := whole.null_count():
        raise UserError(f"{where} is null or not finite in {missing:,} rows; accepted: a time in every row")
    seconds: Ints = whole.to_numpy()
    return seconds


def _split(cut: Cut, table: pl.DataFrame, time_N: Ints | None, rng: Generator) -> list[Ints]:
    """Positions of the rows of train, valid and test, each in order of time where there is one."""
    order = np.arange(len(table)) if time_N is None else np.argsort(time_N, kind="stable")
    if cut.by == "time":
        assert time_N is not None
        ends = [min(round(len(order) * share), len(order) - 1) for share in (1 - cut.valid - cut.test, 1 - cut.test)]
        return np.split(order, np.searchsorted(time_N[order], time_N[order[ends]]))  # one time is in one split
    draw_N = hash_ids(_ids(table["split.column"]), int(rng.integers(2**63)))[order]
    test_N = draw_N < np.uint64(cut.test * 2.0**64)
    valid_N = ~test_N & (draw_N < np.uint64((cut.valid + cut.test) * 2.0**64))
    return [order[~test_N & ~valid_N], order[valid_N], order[test_N]]
