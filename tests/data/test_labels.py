"""Labels that are not 0 and 1: the line that refuses them holds an expression that works where it is pasted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.api import UserError
from harness.base import seeds
from harness.data.tabular.csv_form import NULLS
from harness.data.tabular.label_words import NEGATIVE, POSITIVE
from harness.data.tabular.labels import all_known, labels_of, odd_label
from harness.data.tabular.refused_labels import refusal
from harness.data.tabular.schema import Schema
from harness.plugins.registry import Registry, build

DATASETS = Registry().datasets
SCHEMA = 'fields = ["row"]\n[labels]\n{}\n[split]\nby = "group"\ncolumn = "row"\nvalid = 0.2\ntest = 0.2\n'


def labels(folder: Path, column: pl.Series, line: str) -> dict[int, int | None]:
    """Row -> what its label is read as; None: unknown. line: of the schema, under [labels]."""
    frame = pl.DataFrame({"row": np.arange(len(column)), "y": column, "a b": column})
    frame.write_parquet(folder / "data.parquet")
    (folder / "schema.toml").write_text(SCHEMA.format(line))
    params = {"schema": str(folder / "schema.toml"), "path": str(folder / "data.parquet")}
    data = build(DATASETS, "data set", "table_file", params).build(seeds.generator(0, "data"))
    out: dict[int, int | None] = {}
    for split in (data.train, data.valid, data.test):
        known_N = np.ones(len(split.ids_NF), bool) if split.observed_NT is None else split.observed_NT[:, 0]
        for row, label, known in zip(split.ids_NF[:, 0], split.labels_NT[:, 0], known_N, strict=True):
            out[int(row)] = int(label) if known else None
    return out


def pasted(error: str) -> list[str]:
    """The lines of TOML that a message offers."""
    lines = re.findall(r'click = "(?:[^"\\]|\\.)*"', error.partition("accepted: ")[2])
    assert all(set(tomllib.loads(line)) == {"click"} for line in lines)
    return lines


Rule = Callable[[Any], int | None]


def meant(word: str) -> int | None:
    """None: it says nothing, or that nobody knows."""
    small = word.strip().lower()
    return 1 if small in POSITIVE else 0 if small in NEGATIVE else None


BY_WORDS: Rule = meant
STARS: Rule = {"nan": None, "1": 0, "2": 0, "3": 0, "4": 1, "5": 1}.__getitem__
BOUGHT: Rule = {"pv": 0, "buy": 1, "NA": None}.__getitem__
CASES: list[tuple[str, list[Any], str, list[Rule]]] = [
    ("stars", [1, 2, 3, 4, 5], "click = 'y' has the value 2; accepted", [lambda v: v > 3]),
    ("half stars", [0.5, 1.0, 2.5, 4.5, 5.0], "has the value 0.5", [lambda v: v > 2.5]),
    ("one and two", [1, 2], "has the value 2", [lambda v: v > 1]),
    ("signs", [-1, 1], "has the value -1", [lambda v: v > 0]),
    ("counts", [0, 1, 2, 3, 40], "has the value 2", [lambda v: v > 0]),
    ("minus one for unknown", [-1, 0, 1], "value -1", [lambda v: v > 0, lambda v: None if v == -1 else v]),
    ("at most zero", [-1, 0], "has the value -1", [lambda v: v == 0]),
    ("yes and no", ["no", "yes"], "has the text 'no'", [lambda v: v == "yes"]),
    ("written booleans", ["False", "True"], "has the text 'False'", [lambda v: v == "True"]),
    ("digits as text", ["0", "1"], "has the text '0'", [lambda v: v == "1"]),
    ("two ways to say it", ["0", "1", "true", "false"], "has the text '0'", [lambda v: v in ("1", "true")]),
    ("kinds of behaviour", ["pv", "pv", "pv", "buy"], "has the text 'pv'", [lambda v: v == "buy"]),
    ("a word for unknown", ["0", "1", "NA", "0"], "has the text 'NA' in 20 rows among numbers", [BY_WORDS]),
    ("a word for unknown among words", ["yes", "?", "no"], "has the text '?' in 20 rows; ", [BY_WORDS]),
    ("a word that says neither", ["yes", "maybe", "no"], "has the text 'maybe' in 20 rows; ", [BY_WORDS]),
    ("a word among digits", ["0", "1", "0", "true"], "has the text 'true' in 20 rows among numbers", [BY_WORDS]),
    ("digits with a point", ["0.0", "1.0"], "has the text '0.0'", [lambda v: v == "1.0"]),
    ("stars as text", ["1", "2", "3", "4", "5"], "has the text '1'", [lambda v: v > "3"]),
    ("stars, some unknown", ["1", "2", "3", "4", "5", "nan"], "'nan' in 20 rows among numbers", [STARS]),
    ("counts as text", ["0", "1", "2"], "text '0'", [lambda v: v > "0", lambda v: None if v == "2" else v == "1"]),
    ("no and something", ["no", "bought", "bought"], "has the text 'no'", [lambda v: v == "bought"]),
    ("the rarest means unknown", ["pv", "pv", "buy", "buy", "NA"], "'NA' in 20 rows; ", [BOUGHT]),
    ("one value, and unknown", ["1", "NA"], "has the text 'NA' in 20 rows; ", [lambda v: v == "1"]),
    ("counts, and minus one", [-1, 0, 1, 2], "value -1", [lambda v: v > 0, lambda v: None if v == -1 else v > 0]),
    ("quotes", ["n'\"o", "y'e\"s", "n'\"o"], "has the text", [lambda v: v == "y'e\"s"]),
]


@pytest.mark.parametrize("sql", ["y", "a b"])
@pytest.mark.parametrize(("values", "message", "rules"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_the_message_offers_works(
    tmp_path: Path, values: list[Any], message: str, rules: list[Rule], sql: str
) -> None:
    column = pl.Series([None, *values * 20])
    with pytest.raises(UserError, match=re.escape(message.replace("'y'", repr(sql)))) as error:
        labels(tmp_path, column, f'click = "{sql}"')
    lines = pasted(str(error.value))
    assert len(lines) == len(rules)
    for line, rule in zip(lines, rules, strict=True):
        wanted = {row: None if value is None else rule(value) for row, value in enumerate(column.to_list())}
        assert labels(tmp_path, column, line) == wanted, line


def test_a_schema_without_a_label_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"labels = {} is not accepted: there is none; accepted: one at least, as click"
    ):
        labels(tmp_path, pl.Series([0, 1]), "")


def test_an_expression_is_kept_together(tmp_path: Path) -> None:
    column = pl.Series([1, 2, 3, 4] * 20)
    with pytest.raises(UserError, match="has the value 2") as error:
        labels(tmp_path, column, 'click = "CASE WHEN y = 4 THEN 1 ELSE 2 END"')
    (line,) = pasted(str(error.value))
    assert labels(tmp_path, column, line) == {row: int(y != 4) for row, y in enumerate(column)}


def test_dates_get_a_condition_that_works(tmp_path: Path) -> None:
    column = pl.Series([None, "2024-05-01"] * 20).str.to_date()
    with pytest.raises(UserError, match="is of type Date") as error:
        labels(tmp_path, column, 'click = "y"')
    offered = str(error.value).rpartition(", as ")[2]
    assert labels(tmp_path, column, f'click = "{offered}"') == {row: row % 2 for row in range(40)}


NUMBERS = st.lists(st.one_of(st.integers(-5, 5), st.sampled_from([0.5, -2.25, 1e-7, 1e12, float("nan")])), min_size=2)


@settings(max_examples=150, deadline=None)
@given(NUMBERS)
def test_of_any_numbers_the_first_offer_makes_labels_of_both_classes(values: list[float]) -> None:
    table = pl.DataFrame({"y": pl.Series(values, dtype=pl.Float64, strict=False)})
    told = {"fields": ["row"], "labels": {"click": "y"}, "split": {"by": "group", "column": "row"}}
    schema, batch = Schema.model_validate(told), table.rename({"y": "labels.click"})
    known = {value for value in values if value == value}
    if odd_label(batch, schema) is not None:
        counts = table.filter(pl.col("y").is_not_nan())["y"].value_counts()
        said = refusal(counts["y"], counts["count"], "click", "y", delimited=False)
        offer = tomllib.loads(pasted(said)[0])["click"]
        found = table.select(pl.sql_expr(offer)).to_series().filter(pl.Series([v == v for v in values]))
        assert found.dtype == pl.Boolean
        assert found.null_count() == 0
        assert found.n_unique() == min(2, len(known))
    else:
        labels_NT, observed_NT = labels_of(batch, schema, observed=True)
        assert observed_NT is not None
        assert known <= {0, 1}
        assert all_known(batch, schema) == bool(observed_NT.all())
        assert observed_NT[:, 0].tolist() == [v == v for v in values]
        assert labels_NT[:, 0].tolist() == [int(v == 1) for v in values]


WORDS = st.sampled_from([*POSITIVE, *NEGATIVE, *NULLS, "Yes ", "NO", "maybe", "view", "buy", "2", "-1", "0.5", "n'o"])


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS | st.text(st.characters(exclude_categories=["C"]), max_size=3), min_size=1, max_size=12))
def test_no_offer_makes_a_label_of_a_word_that_says_something_else(words: list[str]) -> None:
    """What says 0 or 1 never becomes the other; what says neither is unknown, or the offer says on which condition."""
    counts = pl.Series("y", words).value_counts(sort=True)
    said = refusal(counts["y"], counts["count"], "click", "y", delimited=False)
    unless = re.split(r'click = "(?:[^"\\]|\\.)*"', said.partition("accepted: ")[2])[1:]
    for line, condition in zip(pasted(said), unless, strict=True):
        made = counts.select("y", label=pl.sql_expr(tomllib.loads(line)["click"]).cast(pl.Int8))
        numbers = "TRY_CAST" in line
        for word, label in made.iter_rows():
            if meant(word) is not None and not (numbers and condition):
                assert label in ((meant(word), None) if numbers else (meant(word),))
            elif word.strip() in NULLS and not condition:
                assert label is None
            elif label is not None and not numbers:
                assert repr(word) in condition or "others mean" in condition
