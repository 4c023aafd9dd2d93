"""A column may have any name: it is read wherever a schema asks for it, and stands in nobody's way where none does."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.api import UserError
from harness.data.guess.first_schema import first_schema
from harness.data.tabular.batches import open_table
from harness.data.tabular.schema import Schema

RNG = np.random.default_rng(7)
PLAIN = {"x1": RNG.integers(0, 9, 50), "xx": RNG.integers(0, 9, 50), "y": RNG.integers(0, 2, 50)}
ODD = RNG.integers(0, 2, 50)
WRITERS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    "parquet": pl.DataFrame.write_parquet,
    "arrow": pl.DataFrame.write_ipc,
    "csv": pl.DataFrame.write_csv,
    "jsonl": pl.DataFrame.write_ndjson,
}
PLACES: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "field": ("fields.x", lambda name: {"fields": {"x": name}}),
    "label": ("labels.y", lambda name: {"labels": {"y": name}}),
    "time": ("time", lambda name: {"time": name, "time_unit": "s"}),
    "split": ("split.column", lambda name: {"split": {"by": "group", "column": name}}),
    "group": ("group", lambda name: {"group": name}),
    "weight": ("weight", lambda name: {"weight": name}),
    "optional": ("fields.x", lambda name: {"optional": [name]}),
    "nothing": ("fields.x", lambda name: {}),
}
NAMES = st.sampled_from(
    [
        "*",
        "^x.*$",
        "^.*$",
        "a\nb",
        " a",
        "a ",
        "",
        "X1",
        "user",
        "a-b",
        "a.b",
        "fields.x",
        "time",
        "1",
        "null",
        "'",
        "--",
    ]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\0"\r'), max_size=8)


def read(path: Path, asked: dict[str, Any], place: str) -> list[int]:
    told = {"fields": {"x": "xx"}, "labels": {"y": "y"}, "split": {"by": "row"}, **asked}
    table = open_table(Schema.model_validate(told), [path], "schema")
    return [value for batch in table.batches() for value in batch[place].to_list()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, place=st.sampled_from(list(PLACES)), kind=st.sampled_from(list(WRITERS)))
def test_any_name_is_read_in_any_place(tmp_path: Path, name: str, place: str, kind: str) -> None:
    if name in PLAIN:
        return
    WRITERS[kind](pl.DataFrame({**PLAIN, name: ODD}), path := tmp_path / f"log.{kind}")
    column, asked = PLACES[place]
    wanted = PLAIN["xx"] if column == "fields.x" and place != "field" else ODD
    assert read(path, asked(name), column) == wanted.tolist()


@pytest.mark.parametrize("name", ["*", "^x.*$"])
def test_a_name_that_means_several_columns_is_refused_within_an_expression(tmp_path: Path, name: str) -> None:
    pl.DataFrame({**PLAIN, name: ODD}).write_parquet(path := tmp_path / "log.parquet")
    for asked in ({"labels": {"y": f'"{name}" = 1'}}, {"query": f'SELECT xx, y, "{name}" AS z FROM data'}):
        with pytest.raises(UserError, match="has a name that means several columns"):
            read(path, asked, "labels.y")
    assert read(path, {"query": "SELECT * FROM data"}, "labels.y") == PLAIN["y"].tolist()


def test_names_that_cannot_be_are_refused_with_what_to_do(tmp_path: Path) -> None:
    pl.DataFrame({**PLAIN, "\0own x1": ODD}).write_parquet(path := tmp_path / "log.parquet")
    with pytest.raises(UserError, match=r"has a NUL byte in the name"):
        read(path, {}, "labels.y")
    pl.DataFrame({**PLAIN, 'q"n': ODD}).write_csv(path := tmp_path / "log.csv")
    with pytest.raises(UserError, match=r'quotes within a name are doubled here as in the file: q""n'):
        read(path, {"fields": {"x": 'q"n'}}, "fields.x")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, kind=st.sampled_from(["parquet", "csv"]))
def test_a_guessed_schema_reads_any_name(tmp_path: Path, name: str, kind: str) -> None:
    if name.strip() in PLAIN:
        return
    WRITERS[kind](pl.DataFrame({**PLAIN, name: [f"{value}th" for value in ODD]}), path := tmp_path / f"log.{kind}")
    told = tomllib.loads(first_schema(str(path)).text)
    table = open_table(Schema.model_validate(told), [path], "schema")
    assert sum(map(len, table.batches())) == len(ODD)
