"""Text of LIBSVM and LIBFFM is known by its lines, and read as what was written; what looks like it is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.api import Data
from harness.base import seeds
from harness.base.errors import UserError
from harness.data.guess.delimited import form_of
from harness.data.guess.first_schema import first_schema
from harness.plugins.registry import Registry, build

ROWS = 300
RNG = np.random.default_rng(0)
LABEL, USER, ITEM = RNG.integers(0, 2, ROWS), RNG.integers(0, 40, ROWS), RNG.integers(100, 130, ROWS)
PRICE = np.round(RNG.gamma(2, 10, ROWS), 2)


def lines(form: str, no: str = "0", yes: str = "1", end: str = "") -> list[str]:
    every = zip(np.where(LABEL, yes, no), USER, ITEM, PRICE, strict=True)
    return [form.format(label=label, user=user, item=item, price=price) + end for label, user, item, price in every]


def read(folder: Path, text: list[str]) -> tuple[str, Data]:
    """The schema that is guessed, and the rows that it reads."""
    path, schema = folder / "log.txt", folder / "log.toml"
    path.write_text("\n".join(text) + "\n")
    schema.write_text(first_schema(str(path)).text)
    params = {"path": str(path), "schema": str(schema)}
    return schema.read_text(), build(Registry().datasets, "data set", "table_file", params).build(
        seeds.generator(0, "d")
    )


def alike(ids_N: np.ndarray, values_N: np.ndarray) -> bool:
    """Whether ids name the same rows alike, up to names and order."""
    ours, theirs = (np.sort(np.unique(each, return_counts=True)[1]) for each in (ids_N, values_N))
    return np.array_equal(ours, theirs)


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("-1", "1"), ("-1", "+1")])
@pytest.mark.parametrize("end", ["", " "], ids=["no blank", "a blank at the end"])
def test_each_feature_of_libffm_is_the_id_of_its_field(tmp_path: Path, no: str, yes: str, end: str) -> None:
    schema, data = read(tmp_path, lines("{label} 0:{user}:1 3:{item}:1", no, yes, end))
    assert data.fields == ("field_0", "field_3")
    assert data.tasks == ("label",)
    parts = (data.train, data.valid, data.test)
    assert sum(int(part.labels_NT.sum()) for part in parts) == LABEL.sum()
    ids_NF = np.concatenate([part.ids_NF for part in parts])
    assert alike(ids_NF[:, 0], USER)
    assert alike(ids_NF[:, 1], ITEM)
    assert "# the label, then features" in schema


def test_features_of_libsvm_are_named_by_their_place(tmp_path: Path) -> None:
    _, data = read(tmp_path, lines("{label} {user}:1 {item}:1"))
    assert data.fields == ("feature_1", "feature_2")


@pytest.mark.parametrize("form", ["{label} 0:{user}:1 1:40:{price}", "{label} {user}:1 40:{price}"])
def test_the_values_of_one_feature_are_a_number(tmp_path: Path, form: str) -> None:
    _, data = read(tmp_path, lines(form))
    (number,) = data.kinds.numbers
    assert len(data.fields) == 1
    assert data.train.numbers_NP is not None
    everything = np.concatenate([part.numbers_NP for part in (data.train, data.valid, data.test)])
    assert np.sort(everything[:, 0]) == pytest.approx(np.sort(PRICE), rel=1e-6), number


def test_values_of_many_features_are_said_to_be_left_out(tmp_path: Path) -> None:
    schema, data = read(tmp_path, lines("{label} 0:{user}:1 1:{item}:{price}"))
    assert alike(np.concatenate([part.ids_NF[:, 1] for part in (data.train, data.valid, data.test)]), ITEM)
    assert "30 features, whose values, as " in schema


@pytest.mark.parametrize("name", ["LIBFFM", "LIBSVM"])
def test_lines_of_different_lengths_are_refused_with_what_reads_them(tmp_path: Path, name: str) -> None:
    text = lines("{label} 0:{user}:1 1:{item}:1" if name == "LIBFFM" else "{label} {user}:1 {item}:1")
    text[4] = " ".join(text[4].split()[:-1])
    path = tmp_path / "log.txt"
    path.write_text("\n".join(text) + "\n")
    with pytest.raises(UserError, match=f"as {name} writes them, 2 in line 1 and 1 in line 5; accepted: ") as refused:
        first_schema(str(path))
    if name == "LIBFFM":
        command = str(refused.value).split("`")[1].replace("log.json", str(tmp_path / "log.json"))
        subprocess.run(command, shell=True, check=True)
        rows = [json.loads(line) for line in (tmp_path / "log.json").read_text().splitlines()]
        assert rows[0] == {"label": LABEL[0], "f0": str(USER[0]), "f1": str(ITEM[0])}
        assert rows[4] == {"label": LABEL[4], "f0": str(USER[4])}


@pytest.mark.parametrize(
    "text",
    ["7 12:30:45 13:00:00\n8 09:15:00 10:00:00\n", "7 12:30 13:45\n8 9:15 10:00\n", "1 2:3:4\n", "a 1:2:3\nb 1:2:3\n"],
)
def test_clocks_and_other_text_are_no_features(text: str) -> None:
    assert "label" not in form_of(text).names
