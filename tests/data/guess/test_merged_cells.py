"""Headers as spreadsheets write them, in several lines with empty cells; and names as web servers write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.guess.delimited import form_of
from harness.data.guess.first_schema import first_schema
from harness.data.guess.merged_cells import joined_names

WORD = st.text("abcdefgh", min_size=1, max_size=6)
ROWS = st.lists(st.tuples(WORD, st.integers(1, 99).map(str), WORD, WORD), min_size=3, max_size=20)


@settings(max_examples=100, deadline=None)
@given(
    ROWS,
    st.lists(WORD, min_size=4, max_size=4, unique=True),
    st.lists(
        st.lists(st.just("") | WORD, min_size=4, max_size=4).filter(lambda row: "" in row and any(row)), max_size=3
    ),
)
def test_lines_with_empty_cells_above_the_names_are_left_out(
    rows: list[tuple[str, ...]], names: list[str], above: list[list[str]]
) -> None:
    form = form_of("\n".join(";".join(row) for row in (*above, names, *rows)))
    assert (form.skip, form.header, form.names) == (len(above), True, ())


@given(ROWS, st.lists(st.just("") | WORD, min_size=4, max_size=4), st.lists(WORD, min_size=4, max_size=4, unique=True))
def test_rows_below_a_header_that_lacks_a_name_stay_rows(
    rows: list[tuple[str, ...]], first: list[str], names: list[str]
) -> None:
    """As of a data frame's index."""
    text = "\n".join(";".join(row) for row in (["", *names[1:]], *rows))
    assert form_of(text).skip == 0


def test_names_that_stand_twice_are_told_apart_by_those_above(tmp_path: Path) -> None:
    rows = [f"u{k % 7};{20 + k % 9};i{k % 5};{k % 2}" for k in range(60)]
    (tmp_path / "log.csv").write_text("\n".join(["User;;Item;", "id;age;id;click", *rows]))
    found = first_schema(str(tmp_path / "log.csv"))
    assert found.rows.frame.columns == ["User id", "User age", "Item id", "Item click"]
    assert len(found.rows.frame) == 60
    assert joined_names(["User", "", ""], ["id", "age", "id"]) == ()


@pytest.mark.parametrize("begin", ["#Fields: ", "# ", "#"])
def test_names_in_a_comment_as_web_servers_write_them(tmp_path: Path, begin: str) -> None:
    head = f"#Version: 1.0\n#Date: 2024-05-01 00:00:00\n{begin}date time cs-username clicked\n"
    rows = [f"2024-05-{1 + k // 24:02d} {k % 24:02d}:00:00 u{k % 7} {k % 2}" for k in range(96)]
    (tmp_path / "ex.log").write_text(head + "\n".join(rows) + "\n")
    found = first_schema(str(tmp_path / "ex.log"))
    assert found.rows.frame.columns == ["date", "time", "cs-username", "clicked"]
    time = found.guesses.whole[-1]
    assert (time.column, time.entries) == ("date", {"by": "time"})
