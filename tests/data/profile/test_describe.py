"""The description of a data set: complete on data of every kind, kept once, and silent where nothing can be told."""

from __future__ import annotations

import dataclasses
import logging
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score
from support.engine import make_data, make_split, store

from harness.api import Data, Kept, Kinds, ListField, Lists, NumberField, Split
from harness.data import indexed
from harness.data.profile import describe as describing
from harness.data.profile.describe import describe, keep_descriptions
from harness.data.profile.together import strongest
from harness.report.pages.described import write_page
from harness.results.description import Description, keep, kept, path_of


def of(data: Data, folder: Path) -> Description:
    found = describe("mine", store(data, folder / "data"), ())
    write_page([found], folder / "page.html")
    keep(folder, "key", found)
    assert kept(folder, "key") == found
    return found


def test_three_rows_are_described_and_what_is_missing_is_said(tmp_path: Path) -> None:
    found = of(make_data([[1, 1], [2, 1], [3, 1]], [[1, 1], [4, 1]]), tmp_path)
    assert found.notes[-1].startswith("what goes together cannot be told: too few of 3 training rows")
    assert found.notes[0] == "rows have no times: periods are 7 equal parts of them, in the order train, valid, test"
    user, constant = found.fields
    assert [value for value in user.unseen if value is not None] == [0, 1, 0, 1]
    assert set(constant.unseen) == {None, 0}
    assert "The share of positives" in (tmp_path / "page.html").read_text()


def test_weights_lists_numbers_and_dropped_rows_are_said(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(0), 3000
    splits = [
        make_split(
            rng,
            np.stack([user := rng.integers(0, 20, rows), user % 4], axis=1),
            weight_N=rng.uniform(0.5, 2, rows).astype(np.float32),
            numbers_NP=rng.normal(size=(rows, 1)).astype(np.float32),
            lists=(Lists(rng.integers(0, 9, rows), np.ones(rows, np.int64)),),
            time_N=np.sort(rng.integers(0, 5 * 86_400, rows)),
        )
        for _ in range(3)
    ]
    kinds = Kinds((NumberField("price"),), (ListField("tags"),))
    found = of(Data(("user", "city"), ("click", "buy"), *splits, kinds=kinds, kept={"buy": Kept(0.5)}), tmp_path)
    told = "\n".join(found.notes)
    assert "splits do not follow each other in time" in told
    assert "base rates by period count rows by their weights" in told
    assert "of the full log, before rows were dropped: buy" in told
    assert "of a list, what goes together is read off one id of each row, drawn at random: tags" in told
    assert [field.name for field in found.fields] == ["user", "city", "tags", "price"]
    assert found.together is not None
    assert found.together.names == ("user", "city", "price", "tags", "click", "buy")
    (one, other, value), *_ = strongest(found.together)
    assert {one, other} == {"user", "city"}
    assert value == pytest.approx(1)
    assert max(value for label in (0, 1) for *_, value in strongest(found.together, label)) < 0.05
    assert {table.title for table in found.tables} == {
        "Rows", "Labels", "Fields", "Numbers", "Lists", "In time", "Base rates", "Labels of one id", "Go together"
    }  # fmt: skip
    page = unescape((tmp_path / "page.html").read_text())
    for table in found.tables:
        assert len(table.words) == len(table.columns) == len(set(table.columns)), table.title
        bare = {column for column, words in zip(table.columns, table.words, strict=True) if not words}
        assert bare - {"click", "buy", "rows"} <= {table.columns[0]}, f"{table.title}: a column is not explained"
        for column, words in table.explained:
            assert f"<b>{column}</b>: {words}" in page, column


def test_lists_go_together_by_pairs_of_their_ids_each_weighted_by_the_lengths(tmp_path: Path) -> None:
    """As when all pairs are made of so many copies of the rows that each list's length divides them."""
    rows, rng = 6000, np.random.default_rng(4)
    item_N, length_N = rng.integers(0, 6, rows), rng.integers(0, 5, rows)
    values_M = (np.repeat(item_N, length_N) + rng.integers(0, 3, length_N.sum())) % 6
    past_N = (item_N + 1) % 6
    lists = (Lists(values_M, length_N), Lists(past_N, np.ones(rows, np.int64)))
    split = Split(item_N[:, None], rng.integers(0, 2, (rows, 1)).astype(np.uint8), lists=lists)
    kinds = Kinds(lists=(ListField("tags", longest=4), ListField("past", ordered=True)))
    found = of(Data(("item",), ("click",), split, split, split, kinds=kinds), tmp_path).together
    assert found is not None
    assert (found.names, found.left_out) == (("item", "tags", "past", "click"), ())
    repeat_M = np.repeat(12 // np.maximum(length_N, 1), length_N)
    pairs = np.repeat(np.repeat(item_N, length_N), repeat_M), np.repeat(values_M, repeat_M)
    wanted = mutual_info_score(*pairs) / np.log(6)
    assert found.matrix[0][1] == pytest.approx(wanted, abs=0.02)
    assert found.matrix[1][2] == pytest.approx(wanted, abs=0.02)
    assert found.matrix[0][2] == 1
    assert found.matrix[1][3] == pytest.approx(0, abs=0.01)


def test_labels_pair_on_the_rows_where_they_are_known(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids_NF = rng.integers(0, 2, (2000, 1))
    split = make_split(rng, ids_NF)
    labels_NT, observed_NT = np.tile(ids_NF, 2).astype(np.uint8), np.full((2000, 2), True)
    labels_NT[1000:, 0] = rng.integers(0, 2, 1000)
    observed_NT[1000:, 0] = False
    split = dataclasses.replace(split, labels_NT=labels_NT, observed_NT=observed_NT)
    found = of(Data(("user",), ("click", "buy"), split, split, split), tmp_path)
    assert found.together is not None
    assert found.together.matrix[1] == (1, None, 1)


def test_the_sample_of_many_rows_is_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.data.profile.together.MOST_ROWS", 500)
    data = store(make_data(np.random.default_rng(0).integers(0, 9, (2000, 2)), [[1, 2], [3, 4]]), tmp_path / "data")
    first = describe("mine", data, ())
    assert first == describe("mine", data, ())
    assert "what goes together is read off 500 of 2,000 training rows, drawn at random" in first.notes


def test_a_description_is_made_once_and_keeps_nobody_from_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    indexed.save(make_data([[1, 1], [2, 1], [3, 1]], [[1, 1], [4, 1]]), tmp_path / "data" / "key")
    keep_descriptions({"mine": "key"}, tmp_path)
    monkeypatch.setattr(describing, "describe", lambda *given: 1 / 0)
    keep_descriptions({"mine": "key"}, tmp_path)
    assert not caplog.records
    path_of(tmp_path, "key").write_text("{}")
    assert kept(tmp_path, "key") is None
    with caplog.at_level(logging.WARNING):
        keep_descriptions({"mine": "key"}, tmp_path)
    assert "data set 'mine' is not described: ZeroDivisionError: division by zero" in caplog.text
