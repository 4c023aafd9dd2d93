"""Labels that a user names: what is not one says what it holds, and proposes a line of a schema that is read."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from support.small_log import ROWS, SCHEMA, load, log

from harness.api import UserError
from harness.data.guess.asked import Asked
from harness.data.guess.first_schema import first_schema
from harness.data.guess.guess import Guesses, guess
from harness.data.tabular.schema import read_schema
from harness.diagnose.log import guessed

K = np.arange(ROWS)


def asked(*labels: str, **columns: Any) -> Guesses:
    frame = log().drop("y").with_columns(**{name: pl.Series(values, strict=False) for name, values in columns.items()})
    return guess(frame, True, Asked(labels))


REFUSED: dict[str, tuple[str, Any, str, str]] = {
    "1 and 2": ("click", 1 + K % 2, "has the values 1 and 2", "click = 2"),
    "two words": ("click", np.where(K % 2, "A", "B"), "has the values 'A' and 'B'", "click = 'B'"),
    "a quote": ("it's", np.where(K % 2, "a'b", "c"), "has the values 'a''b' and 'c'", "\"it's\" = 'c'"),
    "three": ("stars", 1 + K % 3, "has the values 1, 2 and 3", "stars = 3"),
    "many": ("item no", 7 + K, "has 200 values, 7 to 206", '"item no" > 107'),
    "fractions": ("ctr", K / 4, "has 200 values, 0.0 to 49.75", "ctr > 25.0"),
    "texts": ("title", [f"t{k:03}" for k in K], "has 200 values, 't000' to 't199'", "title = 't100'"),
    "some": ("amount", np.where(K % 3, np.nan, K), "has 67 values, 0.0 to 198.0", "ABS(amount) < 1e308"),
    "no or nothing": (
        "click",
        [None if k % 3 else "N" for k in K],
        "has the value 'N' or nothing",
        "click IS NOT NULL",
    ),
    "one": ("click", [5] * ROWS, "has the value 5", "click = 5"),
    "none": ("click", [None] * ROWS, "has no values", "click IS NOT NULL"),
    "dates": ("sold", [date(2024, 1, 1) if k % 2 else None for k in K], "has values of type Date", "sold IS NOT NULL"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_column_that_does_not_say_what_is_yes_says_what_it_holds(tmp_path: Path, case: str) -> None:
    name, values, has, sql = REFUSED[case]
    with pytest.raises(UserError) as error:
        asked(name, **{name: values})
    said = str(error.value)
    assert said.startswith(
        f"--labels '{name}': the column {has}, of which none is known to be yes; accepted: 0 and 1, "
    )
    line = said.partition(" with a label of its own, as ")[2]
    assert list(tomllib.loads(line).values()) == [sql]
    log().with_columns(pl.Series(name, values, strict=False)).write_parquet(tmp_path / "log.parquet")
    schema = SCHEMA.replace('y = "y"', line)
    data = load(tmp_path, tmp_path / "log.parquet", schema=schema)
    assert data.tasks == tuple(tomllib.loads(line))
    assert len(set(data.train.labels_NT[:, 0].tolist())) == (1 if case in ("one", "none") else 2)


def test_a_column_of_which_a_label_is_guessed_says_which() -> None:
    done = np.where(K % 2, "view", np.where(K % 3, "click", "buy"))
    with pytest.raises(UserError, match="accepted: click, buy, as guessed of it; 0 and 1, "):
        asked("event", event=done)
    assert {key for each in asked("buy", event=done).columns if each.what == "label" for key in each.entries} == {"buy"}


def test_the_line_of_a_candidate_is_read_once_its_sign_is_taken_away(tmp_path: Path) -> None:
    columns = {"a": 1 + K % 2, "b": np.where(K % 2, "A", "it's"), "c": K % 2 == 0, "d e": np.where(K % 3, "y", "n")}
    frame = log().drop("y").with_columns(**{name: pl.Series(values) for name, values in columns.items()})
    frame.write_parquet(tmp_path / "log.parquet")
    found = first_schema(str(tmp_path / "log.parquet"))
    assert found.guesses.candidates == {"a": "a = 2", "b": "b = 'it''s'", "c": "c", "d e": "\"d e\" = 'y'"}
    lines = [line for line in found.text.splitlines() if line.endswith("# two values")]
    assert len(lines) == len(columns)
    for line in lines:
        data = load(tmp_path, tmp_path / "log.parquet", schema=SCHEMA.replace('y = "y"', line.removeprefix("# ")))
        assert set(data.train.labels_NT[:, 0].tolist()) == {0, 1}


@pytest.mark.parametrize("labels", [("click", "click"), ("a/b", "click", "a/b"), ("a/b", "a_b")])
def test_a_label_that_is_named_twice_is_refused_and_nothing_is_written(tmp_path: Path, labels: tuple[str, ...]) -> None:
    """A schema with a key twice is no TOML, and would stand in the way of the next command."""
    columns = {"click": K % 2, "a/b": K % 3 % 2, "event": np.where(K % 2, "view", np.where(K % 3, "buy", "a_b"))}
    frame = log().drop("y").with_columns(**{name: pl.Series(values) for name, values in columns.items()})
    frame.drop([] if "click" in labels else "click").write_parquet(tmp_path / "log.parquet")
    with pytest.raises(UserError, match=f"^--labels {','.join(labels)}: '(click|a_b)' is listed twice; accepted: each"):
        guessed(str(tmp_path / "log.parquet"), Asked(labels), tmp_path / "schema.toml")
    assert not (tmp_path / "schema.toml").exists()


def test_a_label_of_a_schema_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    with pytest.raises(UserError, match="table_file: labels = y, y: 'y' is listed twice; accepted: each once"):
        read_schema(str(tmp_path / "schema.toml"), ("y", "y"))


SAME: dict[str, dict[str, Any]] = {
    "ratings": {"rating": 1 + K % 5, "score": 1 + K % 10, "overall": 5 - K % 5},
    "actions": {"event": np.array(["view", "view", "click", "cart", "buy/it", "buy|it"])[K % 6]},
}


@pytest.mark.parametrize("case", SAME)
def test_guessed_labels_have_names_of_their_own(tmp_path: Path, case: str) -> None:
    columns = {name: pl.Series(values) for name, values in SAME[case].items()}
    log().drop("y").with_columns(**columns).write_parquet(tmp_path / "log.parquet")
    found = first_schema(str(tmp_path / "log.parquet"))
    names = [key for each in found.guesses.columns if each.what == "label" for key in each.entries]
    assert len(names) > 2
    assert load(tmp_path, tmp_path / "log.parquet", schema=found.text).tasks == tuple(names)
    asked = first_schema(str(tmp_path / "log.parquet"), Asked((names[-1],)))
    assert load(tmp_path, tmp_path / "log.parquet", schema=asked.text).tasks == (names[-1],)
