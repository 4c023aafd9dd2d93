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
from harness.data.tabular.labels import check_labels, labels_of
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


NUMBERS = st.one_of(st.integers(-5, 5), st.sampled_from([0.5, -2.25, 1e-7, 1e12, float("nan")]))
TEXTS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(NUMBERS, min_size=2, max_size=6), st.lists(TEXTS, min_size=2, max_size=6)))
def test_of_any_column_the_first_offer_makes_labels_of_both_classes(values: list[Any]) -> None:
    numeric = not isinstance(values[0], str)
    table = pl.DataFrame({"y": pl.Series(values, dtype=pl.Float64 if numeric else pl.String, strict=False)})
    told = {"fields": ["row"], "labels": {"click": "y"}, "split": {"by": "group", "column": "row"}}
    schema, batch = Schema.model_validate(told), table.rename({"y": "labels.click"})
    known = {value for value in values if value == value}
    try:
        complete = check_labels(batch, schema, "here")
    except UserError as error:
        offer = tomllib.loads(pasted(str(error))[0])["click"]
        found = table.select(pl.sql_expr(offer)).to_series().filter(pl.Series([v == v for v in values]))
        assert found.dtype == pl.Boolean
        assert found.null_count() == 0
        assert found.n_unique() == min(2, len(known))
    else:
        labels_NT, observed_NT = labels_of(batch, schema, observed=True)
        assert observed_NT is not None
        assert known <= {0, 1}
        assert complete == bool(observed_NT.all())
        assert observed_NT[:, 0].tolist() == [v == v for v in values]
        assert labels_NT[:, 0].tolist() == [int(v == 1) for v in values]
