"""The form of delimited text: whatever it is written in, and whether it has a header, is found out."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.guess.delimited import form_of

WORD = st.text("abcdefgh", min_size=1, max_size=6)
NUMBER = st.integers(-999, 10**6).map(str) | st.floats(0, 1).map(str) | st.just("")
SEPARATORS = st.sampled_from([",", ";", "\t", "|", "^", "\x01", "~"])


def written(rows: list[list[str]], separator: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


@settings(max_examples=200, deadline=None)
@given(data=st.data(), separator=SEPARATORS, header=st.booleans(), width=st.integers(2, 6))
def test_separator_and_header_are_found_in_whatever_was_written(
    data: st.DataObject, separator: str, header: bool, width: int
) -> None:
    """At least one column holds numbers in every row, as of every log; text may hold the separator in quotes."""
    text = st.text("abc '" + separator, min_size=1, max_size=8)
    kinds = [st.integers(1, 99).map(str), *(data.draw(st.sampled_from([NUMBER, text])) for _ in range(width - 1))]
    rows = data.draw(st.lists(st.tuples(*kinds).map(list), min_size=3, max_size=20))
    names = data.draw(st.lists(WORD, min_size=width, max_size=width, unique=True))
    form = form_of(written([names, *rows] if header else rows, separator))
    assert (form.separator, form.header) == (separator, header), form.reasons


@pytest.mark.parametrize(
    ("text", "separator", "header"),
    [
        ("1::1193::5::978300760\n2::661::3::978302109\n", ":", False),
        ("a b c\n1 2 3\n", " ", True),
        ("only\n1\n2\n", ",", True),
        ("user,item\nu1,i1\nu2,i1\n", ",", True),
        ("u1,i1\nu2,i1\nu1,i2\n", ",", False),
        ('name,said\nann,"one, two"\nbob,"three, four"\n', ",", True),
        ("user;2,50;x\nann;3,75;y\n", ";", False),
        ("user;1.234.567,50;x\nann;3,75;y\n", ";", False),
        ("at\n12:30:00\n12:31:00\n", ",", True),
        ("a,a\n1,2\n", ",", True),
        ("a,a\nx,y\n", ",", False),
        ("a,b\n1,\n2,\n", ",", True),
        ('u1 "a;b" 3\nu2 "c;d" 4\n', " ", False),
        ('a;b\n5" tv;1\ntea;2\npot;3\n', ";", True),
        ('a;b\n1;"two\nlines"\n2;x\n3;"cut short', ";", True),
    ],
)
def test_odd_forms(text: str, separator: str, header: bool) -> None:
    form = form_of(text)
    assert (form.separator, form.header) == (separator, header), form.reasons


def test_comments_are_skipped_and_words_for_unknown_are_named() -> None:
    form = form_of("# made today; by hand\nuser,age\na,NA\nb,31\nc,NULL\nNA,5\n")
    assert (form.comment, form.separator, form.header, form.nulls) == ("#", ",", True, ("NA", "NULL"))
    assert form_of("user;price\na;24,50\nb;NA\n").nulls == ("NA",), "of numbers with a decimal comma too"
    assert form_of("user;price\na;1,234,567.50\nb;NA\n").nulls == ("NA",), "and with marks between thousands"
    assert form_of("user,word\n1,NA\n2,x\n").nulls == (), "among other text, NA may be a word"


@pytest.mark.parametrize(
    ("text", "skip"),
    [
        ("Report of May\na,b,c\n1,2,3\n4,5,6\n", 1),
        ("Report, of May\n\na,b,c,d\n1,2,3,4\n4,5,6,7\n", 2),
        ("Report,,\na,b,c\n1,2,3\n4,5,6\n", 1),
        ("sep=;\na;b\n1;2\n3;4\n", 1),
        ("\ufeffsep=|\na|b\n1|2\n3|4\n", 1),
        (",b,c\n0,2,3\n1,5,6\n", 0),
        ("7,,\n1,2,3\n4,5,6\n", 0),
        ("a,b,c\n1,2,3,\n4,5,6,\n", 0),
        ("only\n1\n2\n", 0),
    ],
)
def test_lines_above_the_header_are_counted(text: str, skip: int) -> None:
    form = form_of(text)
    assert (form.skip, "skip" in form.reasons) == (skip, skip > 0)


def test_names_may_stand_in_a_comment() -> None:
    form = form_of("# made today\n#user, item\na,1\nb,2\n")
    assert (form.names, form.named, form.header) == (("user", "item"), True, False)
    assert not form_of("# made by hand\na,1\nb,2\n").named


def test_blanks_are_part_of_values_where_some_have_none() -> None:
    assert form_of("a, b\n1, 2\n").blanks
    assert form_of("a,b\nx, 2\ny, 3\n").blanks
    assert not form_of("a,b\nx, 2\ny,3\n").blanks
