"""One odd value far down makes text of a column of numbers: it is named, and what the message offers reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from harness.api import Data, UserError
from harness.base import seeds
from harness.data.guess.first_schema import first_schema
from harness.data.tabular import batches
from harness.plugins.registry import Registry, build

ROWS, ODD = 3000, slice(2000, 2010)
KEYS = {
    "fields": 'fields = { row = { id = "row" } }',
    "labels": 'labels = { click = "click" }',
    "split": 'split = { by = "group", column = "row", valid = 0.2, test = 0.2 }',
}
"""Of a schema; inline tables, so that any of them can be replaced."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LEAST", 100)


def log(**odd: str) -> pl.DataFrame:
    """All as text. odd: column -> what some rows have there."""
    k = np.arange(ROWS)
    columns = {"row": k, "qty": 1 + k % 50, "ts": 1_714_500_000 + k, "click": (k % 3 == 0) * 1}
    frame = pl.DataFrame(columns).cast(pl.String)
    inside = pl.int_range(pl.len()).is_between(ODD.start, ODD.stop - 1)
    return frame.with_columns(pl.when(inside).then(pl.lit(v)).otherwise(name).alias(name) for name, v in odd.items())


def read(folder: Path, frame: pl.DataFrame, kind: str = "csv", **keys: str) -> Data:
    """keys: of the schema, in place of those above or beside them; csv: those under [csv]."""
    if kind != "csv":
        numbers = [each.name for each in frame if not each.cast(pl.Int64, strict=False).has_nulls()]
        frame = frame.with_columns(pl.col(numbers).cast(pl.Int64))
    write: dict[str, Callable[[Path], object]] = {
        "csv": frame.write_csv,
        "parquet": frame.write_parquet,
        "jsonl": frame.write_ndjson,
    }
    write[kind](folder / f"log.{kind}")
    csv = keys.pop("csv", "")
    (folder / "schema.toml").write_text("\n".join([*(KEYS | keys).values(), f"[csv]\n{csv}"]))
    params = {"schema": str(folder / "schema.toml"), "path": str(folder / f"log.{kind}")}
    data: Data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    return data


def by_row(data: Data, of: Callable[[Any], Any]) -> dict[int, Any]:
    """Row -> what a split says of it."""
    parts = (data.train, data.valid, data.test)
    return {int(row): value for part in parts for row, value in zip(part.ids_NF[:, 0], of(part), strict=True)}


def labels(part: Any) -> list[int | None]:
    known_N = np.ones(len(part.labels_NT), bool) if part.observed_NT is None else part.observed_NT[:, 0]
    return [int(label) if known else None for label, known in zip(part.labels_NT[:, 0], known_N, strict=True)]


CLICKS = {k: None if ODD.start <= k < ODD.stop else int(k % 3 == 0) for k in range(ROWS)}


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("odd", ["NA", "1,5", "unknown", 'a "word"'])
def test_an_odd_label_is_named_and_unknown_by_every_offer(tmp_path: Path, kind: str, odd: str) -> None:
    frame = log(click=odd)
    with pytest.raises(UserError) as error:
        read(tmp_path, frame, kind)
    said, _, offered = str(error.value).partition("; accepted: ")
    assert said.endswith(f"labels.click = 'click' has the text {odd!r} in 10 rows among numbers")
    line = re.search(r'click = "(?:[^"\\]|\\.)*"', offered)
    assert line is not None
    assert by_row(read(tmp_path, frame, kind, labels=f"labels = {{ {line[0]} }}"), labels) == CLICKS
    nulls = re.search(r"(nulls = \[.*\]) under \[csv\] if .* means unknown$", offered)
    assert (nulls is not None) == (kind == "csv" and '"' not in odd), "Polars compares what stands in the file"
    if nulls is not None:
        assert by_row(read(tmp_path, frame, kind, csv=nulls[1]), labels) == CLICKS


def test_an_odd_label_that_says_what_it_means_is_read_so(tmp_path: Path) -> None:
    frame = log(click="true")
    with pytest.raises(UserError, match=r"the text 'true' in 10 rows among numbers; .*, as click = (\"click IN .*\")$"):
        read(tmp_path, frame)
    found = by_row(read(tmp_path, frame, labels="labels = { click = \"click IN ('true', '1')\" }"), labels)
    assert found == {row: 1 if label is None else label for row, label in CLICKS.items()}


PLACES = {
    "number": {"fields": 'fields = { row = { id = "row" }, qty = { number = "qty", scale = "none" } }'},
    "number made of it": {"fields": 'fields = { row = { id = "row" }, qty = { number = "qty + 1", scale = "none" } }'},
    "weight": {"weight": 'weight = "qty"'},
    "where": {"where": 'where = "qty > 3"'},
    "label": {"labels": 'labels = { click = "qty > 10" }'},
    "query": {"query": 'query = "SELECT * FROM data WHERE qty > 3"'},
    "number of a query": {
        "fields": 'fields = { row = { id = "row" }, qty = { number = "twice", scale = "none" } }',
        "query": 'query = "SELECT *, 2 * qty AS twice FROM data"',
    },
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_the_value_that_makes_text_of_numbers_is_named_wherever_they_are_needed(
    tmp_path: Path, place: str, kind: str
) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, log(qty="NA"), kind, **PLACES[place])
    said = str(error.value)
    assert "column 'qty' has 'NA' in 10 rows among numbers; accepted: numbers alone, as " in said
    assert not re.search(r"numbers\.|CAST\(qty AS", said)
    assert "file '" not in said


def test_what_is_offered_for_a_number_makes_it_unknown_in_those_rows(tmp_path: Path) -> None:
    fields = 'fields = {{ row = {{ id = "row" }}, qty = {{ number = "{}", scale = "none" }} }}'
    wanted = [None if ODD.start <= k < ODD.stop else 1 + k % 50 for k in range(ROWS)]
    for kind, offer in (("csv", 'nulls = ["NA"]'), ("parquet", "CAST(NULLIF(qty, 'NA') AS DOUBLE)")):
        with pytest.raises(UserError, match=re.escape(f"accepted: numbers alone, as {offer}")):
            read(tmp_path, log(qty="NA"), kind, fields=fields.format("qty"))
        keys = {"csv": offer, "fields": fields.format("qty")} if kind == "csv" else {"fields": fields.format(offer)}
        found = by_row(read(tmp_path, log(qty="NA"), kind, **keys), lambda part: part.numbers_NP[:, 0])
        assert [None if np.isnan(found[k]) else found[k] for k in range(ROWS)] == wanted


def test_what_is_offered_for_one_odd_number_fails_where_there_is_another(tmp_path: Path) -> None:
    frame = log(qty="NA").with_columns(qty=pl.when(pl.col("row") == "5").then(pl.lit("x")).otherwise("qty"))
    with pytest.raises(UserError, match=r"'x' and others in 11 rows among .* as nulls = \[\"x\", \"NA\"\] under"):
        read(tmp_path, frame, **PLACES["weight"])
    fields = PLACES["number"]["fields"].replace('"qty"', "\"CAST(NULLIF(qty, 'x') AS DOUBLE)\"")
    with pytest.raises(UserError, match=r"cannot be read: conversion from `str` to `f64` failed .*\[\"NA\""):
        read(tmp_path, frame, "parquet", fields=fields)


def test_a_column_of_words_is_no_column_of_numbers(tmp_path: Path) -> None:
    frame = log().with_columns(qty=pl.when(pl.col("click") == "1").then("qty").otherwise(pl.lit("x")))
    with pytest.raises(UserError, match=r"fields.qty = 'qty' is of type String; accepted: a number, as CAST"):
        read(tmp_path, frame, **PLACES["number"])


@pytest.mark.parametrize("odd", ["NA", "cheap", "1.2.3"])
def test_an_odd_value_makes_no_ids_of_numbers_with_a_fraction_unless_they_are_called_so(
    tmp_path: Path, odd: str
) -> None:
    """Where a schema says no kind, the type of the column does, and that is text now."""
    quarters = pl.col("qty").cast(pl.Float64) + 0.25
    inside = pl.int_range(pl.len()).is_between(ODD.start, ODD.stop - 1)
    frame = log().with_columns(qty=pl.when(inside).then(pl.lit(odd)).otherwise(quarters.cast(pl.String)))
    frame = frame.with_columns(user=pl.col("row").str.slice(-2))
    bare = {"fields": 'fields = { row = { id = "row" }, qty = "qty" }'}
    with pytest.raises(UserError) as error:
        read(tmp_path, frame, **bare)
    said, _, offered = str(error.value).partition("; accepted: ")
    assert said.endswith(f"fields.qty = 'qty' has {odd!r} in 10 rows among numbers with a fraction")
    number, named = (bare["fields"].replace('qty = "qty"', way) for way in re.findall(r"qty = {[^}]*}", offered))
    nulls = re.search(r"nulls = \[.*?\]", offered)
    assert nulls is not None
    wanted = {k: None if ODD.start <= k < ODD.stop else 1.25 + k % 50 for k in range(ROWS)}
    scaled = number.replace('number = "qty"', 'number = "qty", scale = "none"')
    found = by_row(read(tmp_path, frame, fields=scaled, csv=nulls[0]), lambda part: part.numbers_NP[:, 0])
    assert {k: None if np.isnan(value) else value for k, value in found.items()} == wanted
    for keys in ({"fields": named}, bare | {"text": 'text = ["qty"]'}):
        assert read(tmp_path, frame, **keys).fields == ("row", "qty")
    frame.write_parquet(tmp_path / "log.parquet")
    assert read(tmp_path, frame, "parquet", **bare).fields == ("row", "qty")
    (tmp_path / "guess.toml").write_text(first_schema(str(tmp_path / "log.csv")).text)
    guessed = {"schema": str(tmp_path / "guess.toml")}
    assert build(Registry().datasets, "data set", "table_file", guessed).build(seeds.generator(0, "data")).train


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("odd", ["NULL", "n'one", "2024-05-01"])
def test_an_odd_time_is_named_and_no_good_one(tmp_path: Path, kind: str, odd: str) -> None:
    time, split = 'time = "ts"', 'split = { by = "time" }'
    with pytest.raises(UserError) as error:
        read(tmp_path, log(ts=odd), kind, time=time, split=split)
    said, _, offered = str(error.value).partition("; accepted: ")
    assert said.endswith(f"time = 'ts' has {odd!r} in 10 rows among whole numbers")
    where = re.search(r'where = "(?:[^"\\]|\\.)*"', offered)
    assert where is not None
    data = read(tmp_path, log(ts=odd), kind, time=time, split=split, where=where[0])
    wanted = {k: 1_714_500_000 + k for k in range(ROWS) if not ODD.start <= k < ODD.stop}
    assert by_row(data, lambda part: part.time_N) == wanted


def test_an_odd_time_in_the_first_row_is_named_too(tmp_path: Path) -> None:
    frame = log().with_columns(ts=pl.when(pl.col("row") == "0").then(pl.lit("?")).otherwise("ts"))
    for unit in ({}, {"time_unit": 'time_unit = "s"'}):
        with pytest.raises(UserError, match=r"time = 'ts' has '\?' in 1 row among whole numbers"):
            read(tmp_path, frame, time='time = "ts"', **unit)
