"""Text of LIBFFM is read as what was written, field by field, that of LIBSVM is refused, and what looks like them is
neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.api import Data, Split
from harness.base import seeds
from harness.base.errors import UserError
from harness.data.guess.features import features_of
from harness.data.guess.first_schema import first_schema
from harness.plugins.registry import Registry, build

ROWS = 300
MANY, BEHIND = 800, 0.4
"""Times that they are written, to be more than a sample; where a sample does not read."""
RNG = np.random.default_rng(0)
LABEL, USER, ITEM = RNG.integers(0, 2, ROWS), RNG.integers(0, 40, ROWS), RNG.integers(100, 130, ROWS)
PRICE = np.round(RNG.gamma(2, 10, ROWS), 2)


def lines(form: str, no: str = "0", yes: str = "1") -> list[str]:
    every = zip(np.where(LABEL, yes, no), USER, ITEM, PRICE, strict=True)
    return [form.format(label=label, user=user, item=item, price=price) for label, user, item, price in every]


def read(folder: Path, text: list[str]) -> tuple[str, Data]:
    """The schema that is guessed, and the rows that it reads."""
    (folder / "log.txt").write_text("\n".join(text) + "\n")
    return schema_of(folder, folder / "log.txt")


def schema_of(folder: Path, path: Path) -> tuple[str, Data]:
    schema = folder / "log.toml"
    schema.write_text(first_schema(str(path)).text)
    params = {"path": str(path), "schema": str(schema)}
    return schema.read_text(), build(Registry().datasets, "data set", "table_file", params).build(
        seeds.generator(0, "d")
    )


def parts(data: Data) -> tuple[Split, Split, Split]:
    return data.train, data.valid, data.test


def ids(data: Data, field: int) -> np.ndarray:
    return np.concatenate([part.ids_NF[:, field] for part in parts(data)])


def alike(ids_N: np.ndarray, values_N: np.ndarray) -> bool:
    """Whether ids name the same rows alike, up to names and order."""
    ours, theirs = (np.sort(np.unique(each, return_counts=True)[1]) for each in (ids_N, values_N))
    return np.array_equal(ours, theirs)


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("-1", "1"), ("-1", "+1"), ("0.0", "1.000000e+00")])
@pytest.mark.parametrize("blank", ["", " "], ids=["no blank", "a blank at the end"])
def test_each_feature_is_the_id_of_its_field(tmp_path: Path, no: str, yes: str, blank: str) -> None:
    schema, data = read(tmp_path, lines("{label} 0:{user}:1 13:{item}:1" + blank, no, yes))
    assert data.fields == ("field_0", "field_13")
    assert data.tasks == ("label",)
    assert sum(int(part.labels_NT.sum()) for part in parts(data)) == LABEL.sum()
    assert alike(ids(data, 0), USER)
    assert alike(ids(data, 1), ITEM)
    assert "# LIBFFM: a column for each of 2 fields" in schema


def test_a_field_may_stand_anywhere_and_be_missing(tmp_path: Path) -> None:
    """It is missing behind what a sample reads, and in half of the lines the order is another."""
    text = lines("{label} 0:{user}:1 1:{item}:1") * MANY
    text[1::2] = [" ".join([label, item, user]) for label, user, item in map(str.split, text[1::2])]
    behind = int(BEHIND * len(text))
    text[behind : behind + 200] = [line.replace(" 0:", " 7:") for line in text[behind : behind + 200]]
    _, data = read(tmp_path, text)
    counts = np.sort(np.unique(ids(data, 0), return_counts=True)[1])
    assert len(counts) == len(np.unique(USER)) + 1, "the missing one is an id of its own"
    assert 200 in counts
    assert alike(ids(data, 1), np.tile(ITEM, MANY))


def test_the_values_of_one_feature_are_a_number_and_those_of_others_unknown(tmp_path: Path) -> None:
    text = lines("{label} 0:{user}:1 1:40:{price}") * MANY
    behind = int(BEHIND * len(text))
    text[behind] = text[behind].replace(" 1:40:", " 1:41:")
    _, data = read(tmp_path, text)
    assert [number.name for number in data.kinds.numbers] == ["field_1"]
    assert data.fields == ("field_0",)
    found = np.concatenate([part.numbers_NP for part in parts(data) if part.numbers_NP is not None])[:, 0]
    assert np.isnan(found).sum() == 1
    assert np.sort(found)[:-1] == pytest.approx(np.delete(np.sort(np.tile(PRICE, MANY)), at_of(behind)), rel=1e-6)


def at_of(row: int) -> int:
    """Where the price of a row stands among all in order."""
    return int(np.searchsorted(np.sort(np.tile(PRICE, MANY)), PRICE[row % ROWS]))


def test_values_of_many_features_are_said_to_be_left_out(tmp_path: Path) -> None:
    schema, data = read(tmp_path, lines("{label} 0:{user}:1 1:{item}:{price}"))
    assert alike(ids(data, 1), ITEM)
    assert "the values of features of 1 are not read" in schema


def test_a_folder_of_files_with_their_fields_in_another_order_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "a.txt").write_text("\n".join(lines("{label} 0:{user}:1 1:{item}:1")) + "\n")
    (tmp_path / "log" / "b.txt").write_text("\n".join(lines("{label} 1:{item}:1 0:{user}:1")) + "\n")
    _, data = schema_of(tmp_path, tmp_path / "log")
    assert alike(ids(data, 0), np.tile(USER, 2))


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            "{label} 0:{user}:1 1:{item}:1 1:7:1",
            "field 1 2 times in a line, .*: line 1, .*; accepted: one feature of each",
        ),
        ("{label} {user}:1 {item}:1", "features without their fields, as LIBSVM writes them"),
        ("{label} qid:3 {user}:1 {item}:0.5 # a comment", "features without their fields"),
    ],
)
def test_what_has_no_columns_is_refused(tmp_path: Path, form: str, said: str) -> None:
    path = tmp_path / "log.txt"
    path.write_text("\n".join(lines(form)) + "\n")
    with pytest.raises(UserError, match=said):
        first_schema(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "7 12:30:45 13:00:00\n8 09:15:00 10:00:00\n",
        "7 12:30 13:45\n8 9:15 100:20\n",
        "1700000000.5 12:00:00.000 0:03:03.3\n1700000001.5 12:00:01.000 0:03:04.3\n",
        "1 16:9 4:3\n2 4:3 4:3\n",
        "1 2:3:4\n2 2:3:4\n",
        "1 2:3:4 5:6:7\n",
        "a 1:2:3 2:3:4\nb 1:2:3 2:3:4\n",
    ],
)
def test_clocks_and_other_text_are_no_features(text: str) -> None:
    assert features_of([text.encode()], Path("log.txt")) is None


@pytest.mark.parametrize("cells", [("12:30", "12:31"), ("0:37", "0:41"), ("16:9", "4:3"), ("1:-", "1:3")])
def test_a_column_with_colons_stays_an_id(tmp_path: Path, cells: tuple[str, str]) -> None:
    text = ["user,clock,label", *(f"u{u},{cells[u % 2]},{label}" for u, label in zip(USER, LABEL, strict=True))]
    _, data = read(tmp_path, text)
    assert len(np.unique(ids(data, data.fields.index("clock")))) == 2
