"""Data that lives in Python as a data set of a plan: a frame is written once, under the digest of what it holds."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors
from rich.console import Console

from harness.api import UserError
from harness.base.digests import digest_of, digest_of_value
from harness.commands.schema import schema_at
from harness.data.guess.asked import Asked
from harness.data.tabular.expressions import refusing
from harness.diagnose.asked import dataset_of
from harness.diagnose.log import Log, built
from harness.execution.said import Said
from harness.plugins.registry import Registry
from harness.python import arguments
from harness.python.pandas_frames import UNREAD, is_pandas, refuse_column, without_index
from harness.results.plan_results import INPUTS


@dataclass(frozen=True)
class Given:
    """As `multiepoch.benchmark` is given them."""

    data: Any
    labels: tuple[str, ...]
    time: str | None
    schema: Path | None


def taken(console: Console, given: Given, registry: Registry, results: Path) -> tuple[dict[str, Any], Log]:
    """The data set as a plan names it, and its data, built and checked.

    Raises:
        UserError: the data cannot be read, trained or evaluated on, or have no such label.
    """
    if isinstance(given.data, Mapping):
        dataset, labels = dict(given.data), given.labels
        for name, value in {"time": given.time, "schema": given.schema}.items():
            if value is not None:
                raise UserError(f"{name} = {str(value)!r} is of a table; accepted: none, where data names a data set")
    else:
        source = _source(given.data, results / INPUTS)
        dataset = dataset_of(source, str(_schema(console, given, source, results)), given.labels)
        labels = tuple(dataset["labels"])
        if not isinstance(given.data, str | Path):
            dataset["label"] = "frame"
    with Said(console, "reading and checking the data") as say:
        return dataset, built(dataset, labels, registry, results, say)


def _schema(console: Console, given: Given, source: str, results: Path) -> Path:
    """The one given; or one for these files and what is asked of them, which may be corrected where it stands."""
    asked = Asked(given.labels, given.time)
    digest = digest_of_value((os.path.abspath(source), given.labels, given.time))
    return schema_at(console, given.schema, results / INPUTS / f"schema-{digest}.toml", source, asked)


def _source(data: Any, inputs: Path) -> str:
    """The path of the table files that are meant, or that a frame is written to."""
    if isinstance(data, str | Path):
        return str(data)
    frame = _read(data).with_columns(selectors.by_dtype(pl.Categorical).cast(pl.String)).rechunk()
    partial = inputs / f".{uuid.uuid4().hex}"
    try:
        with refusing("data: the frame cannot be written as Parquet"):
            frame.write_parquet(partial)
        path = inputs / f"{digest_of(partial)}.parquet"
        if not path.exists():
            partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return str(path)


def _read(data: Any) -> pl.DataFrame:
    """The rows of a frame.

    Raises:
        UserError: they cannot be read; the first column that cannot is named.
    """
    if not is_pandas(data):
        return _without_objects(_polars(data))
    frame = without_index(data)
    try:
        return _polars(frame)
    except UserError:
        refuse_column(frame, data.columns, _polars)
        raise


def _without_objects(frame: pl.DataFrame) -> pl.DataFrame:
    for name, dtype in frame.schema.items():
        if dtype == pl.Object:
            raise UserError(
                f"data: column '{name}' holds objects of Python; accepted: numbers, text, dates, and lists of these"
            )
    return frame


def _polars(data: Any) -> pl.DataFrame:
    """The rows of a frame; an index with a name is a column of them."""
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.LazyFrame):
        raise UserError("data: a LazyFrame is not accepted; accepted: data.collect(), or the path of its files")
    if type(data).__module__.partition(".")[0] != "pandas" or not hasattr(data, "columns"):
        raise arguments.refused("data", data, arguments.DATA)
    try:
        return pl.from_pandas(data, include_index=any(name is not None for name in data.index.names))
    except UNREAD as error:
        raise UserError(f"data: the frame cannot be read: {error}") from error
