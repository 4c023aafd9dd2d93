"""Lines of JSON that are no objects are refused by their number until a schema leaves them out, and then counted."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.small_log import ROWS, content, load, log

from harness.api import UserError
from harness.data.guess.first_schema import first_schema
from harness.data.guess.pieces import HEAD
from harness.data.guess.sample import sample
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.scans import scan

LINES = log().write_ndjson().splitlines(keepends=True)
BAD: dict[str, tuple[list[str | bytes], str]] = {
    "cut": (
        [*LINES, '{"y": 1, "us'],
        '1 line is no .*: line 201, \'{"y": 1, "us\', the last, as where a copy broke off',
    ),
    "cut_letter": ([*LINES, '{"item": "é'.encode()[:-1]], "1 line is no .*: line 201, .*, the last, as where a copy"),
    "torn": ([*LINES[:7], LINES[7][:9] + "\n", *LINES[7:]], r"line 8, '{[^ ]*'(?!, the last)"),
    "two": ([*LINES[:3], "null\n", "12\n", *LINES[3:], "\n"], "2 lines are no object of JSON: line 4, 'null'"),
    "joined": ([*LINES, LINES[0].strip() + LINES[1]], "which goes on with '{.*' behind its object, the last"),
    "comment": (["\n", *LINES, "# end\n"], "line 202, '# end'"),
}
"""Name -> lines with others among the rows, and what is said of them."""
DROP = '[csv]\nshort = "drop"\n'


def joined(lines: list[str | bytes]) -> bytes:
    return b"".join(line if isinstance(line, bytes) else line.encode() for line in lines)


@pytest.fixture
def wanted(tmp_path: Path) -> list[bytes]:
    log().write_ndjson(tmp_path / "wanted.jsonl")
    return content(load(tmp_path, tmp_path / "wanted.jsonl"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", BAD)
def test_they_are_refused_until_a_schema_leaves_them_out(
    tmp_path: Path, wanted: list[bytes], name: str, pack: Callable[[bytes], bytes]
) -> None:
    lines, said = BAD[name]
    (tmp_path / "log.jsonl").write_bytes(pack(joined(lines)))
    for setting in ("", '[csv]\nshort = "null"\n'):
        with pytest.raises(UserError, match=rf"log\.jsonl': .*{said}.*accepted: .*under \[csv\] short = \"drop\""):
            load(tmp_path, tmp_path / "log.jsonl", setting)
    assert content(load(tmp_path, tmp_path / "log.jsonl", DROP)) == wanted
    (note,) = scan([tmp_path / "log.jsonl"], Csv(short="drop"), ()).notes
    assert re.search(rf"log\.jsonl': .*{said}.*; left out", note)


@pytest.mark.parametrize("name", BAD)
def test_a_first_schema_leaves_them_out_and_says_so(tmp_path: Path, wanted: list[bytes], name: str) -> None:
    lines, said = BAD[name]
    (tmp_path / "log.jsonl").write_bytes(joined(lines))
    text = first_schema(str(tmp_path / "log.jsonl")).text
    assert re.search(rf'\[csv\]\nshort = "drop"  # .*{said}', text)
    assert content(load(tmp_path, tmp_path / "log.jsonl", DROP)) == wanted


def test_folders_say_the_same_of_what_is_left(tmp_path: Path) -> None:
    (folder := tmp_path / "day=7").mkdir()
    (folder / "log.jsonl").write_bytes(joined(BAD["cut"][0]))
    assert scan([folder / "log.jsonl"], Csv(short="drop"), ()).frame.collect()["day"].to_list() == [7] * ROWS


@pytest.mark.parametrize("end", [",\n", "\n}\n"])
def test_a_file_of_other_json_is_refused_whatever_a_schema_says(tmp_path: Path, end: str) -> None:
    (tmp_path / "log.jsonl").write_text("".join(line.strip() + end for line in LINES).replace("}\n}", "\n}"))
    for read in (
        lambda: first_schema(str(tmp_path / "log.jsonl")),
        lambda: scan([tmp_path / "log.jsonl"], Csv(short="drop"), ()),
    ):
        with pytest.raises(UserError, match=r"lines are no object of JSON: line 1, .*accepted: .* `jq -c \.`"):
            read()


def test_a_line_beyond_the_beginning_is_quoted_without_a_number(tmp_path: Path) -> None:
    """A sample does not know it."""
    line = json.dumps({"user": 1, "said": "x" * 80, "clicked": 0}) + "\n"
    (tmp_path / "log.jsonl").write_text(line * (3 * HEAD // len(line)) + '{"user')
    assert "1 line is no object of JSON: '{\"user', the last" in sample([tmp_path / "log.jsonl"]).broken


VALUES = st.none() | st.integers(-(2**40), 2**40) | st.text(max_size=3)
OBJECTS = st.fixed_dictionaries({"a": VALUES, "b": st.none() | st.floats(allow_subnormal=False, width=32)})
BROKEN = st.sampled_from(['{"a": 1', "[]", "[1]", '"x"', "7", '{"a": 1}}', "{'a': 1}", "{a: 1}", '{"a": 1,}', "-"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(OBJECTS | BROKEN | st.just(""), max_size=12), end=st.sampled_from(["", "\n"]))
def test_the_objects_are_read_and_no_other_line(tmp_path: Path, lines: list[object], end: str) -> None:
    """NaN and Infinity, which Python writes, are null."""
    (tmp_path / "first.jsonl").write_text('{"a": "x", "b": 0.5}\n')
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (tmp_path / "log.jsonl").write_text("\n".join(['{"a": "y", "b": 1.5}', *texts]) + end)
    rows = [line for line in lines if isinstance(line, dict)]
    found = scan([tmp_path / "first.jsonl", tmp_path / "log.jsonl"], Csv(short="drop"), ())
    frame = found.frame.collect()
    assert frame["a"][2:].to_list() == [None if row["a"] is None else str(row["a"]) for row in rows]
    known = [row["b"] if row["b"] is not None and abs(row["b"]) < float("inf") else None for row in rows]
    assert frame["b"][2:].to_list() == known
    assert bool(found.notes) == (any(map(str.strip, set(texts) - {json.dumps(r) for r in rows})) or nulled(rows, known))


def nulled(rows: list[dict[str, object]], known: list[object]) -> bool:
    return [row["b"] for row in rows] != known


def test_nan_is_null_and_said(tmp_path: Path) -> None:
    rows = [{"y": n % 2, "price": float("nan") if n % 3 else n / 2} for n in range(60)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = scan([tmp_path / "log.jsonl"], Csv(), ())
    assert found.frame.collect()["price"].null_count() == 40
    assert re.search("has NaN or Infinity in 40 lines, which are read as null", "".join(found.notes))
    assert sample([tmp_path / "log.jsonl"]).frame["price"].null_count() == 40


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"y": 1}, {"y": True}, "'y' is a number in line 1, 1, and true or false in line 2, true"),
        ({"u": {"id": 1}}, {"u": 7}, r"'u' is an object in line 1, {.id.: 1}, and a number in line 2, 7"),
        ({"u": {"id": 1}}, {"u": {"id": True}}, r"'u\.id' is a number .* true"),
        ({"u": [1]}, {"u": 1}, r"'u' is a list in line 1, \[1\], and a number in line 2, 1"),
        ({"u": [1]}, {"u": [[1]]}, r"'u\[\]' is a number in line 1, 1, and a list in line 2, \[1\]"),
    ],
)
def test_values_of_several_kinds_are_named_with_their_lines(
    tmp_path: Path, one: object, other: object, said: str
) -> None:
    (tmp_path / "log.jsonl").write_text(f"{json.dumps(one)}\n{json.dumps(other)}\n")
    for read in (
        lambda: scan([tmp_path / "log.jsonl"], Csv(), ()).frame.collect(),
        lambda: sample([tmp_path / "log.jsonl"]),
    ):
        with pytest.raises(UserError, match=rf"log\.jsonl': {said}; accepted: values of one kind"):
            read()
