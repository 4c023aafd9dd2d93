"""Text of other people stays text in Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.markdown import HOSTILE, elements, words

from harness.base.markdown import code, literal

MARKS = "[](){}!<>&#;:`*_~$\\|-+=1. ax/'\"\n"


@given(st.text(MARKS, max_size=24))
def test_any_text_shows_as_what_it_is(text: str) -> None:
    shown = f"It says: {literal(text)}"
    assert words(shown) == " ".join(f"It says: {text}".split())
    assert elements(shown) == {"p"}


@given(st.text(MARKS, max_size=24).filter(lambda text: text.strip() not in ("", "-", "+")))
def test_so_does_a_paragraph_of_its_own(text: str) -> None:
    assert words(literal(text)) == " ".join(text.split())
    assert elements(literal(text)) == {"p"}


@given(st.text(MARKS, max_size=12), st.text(MARKS, max_size=12))
def test_texts_side_by_side_make_nothing_together(first: str, second: str) -> None:
    table = f"| a | b |\n|---|---|\n| {literal(first)} | {literal(second)} |\n"
    assert elements(table) == {"table", "thead", "tbody", "tr", "th", "td"}
    assert words(table) == " ".join(f"a b {first} {second}".split())


@given(st.text(MARKS, max_size=24))
def test_code_shows_as_what_it_is(text: str) -> None:
    shown = f"Set {code(text)}."
    assert words(shown) == " ".join(f"Set {' '.join(text.split())}.".split())
    assert elements(shown) <= {"p", "code"}


def test_hostile_text_becomes_a_paragraph() -> None:
    assert elements(HOSTILE) >= {"a", "img", "script"}, "it would do harm"
    assert elements(literal(HOSTILE)) == {"p"}
    assert words(literal(HOSTILE)) == " ".join(HOSTILE.split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [("[q] (javascript:a)", r"[q\] (javascript:a)"), ("[x](y) or [z]: http://evil", r"\[x\](y) or [z\]: http://evil")],
)
def test_what_mlflow_alone_reads_as_a_link_or_a_definition_is_escaped_too(text: str, shown: str) -> None:
    assert literal(text) == shown


@pytest.mark.parametrize("text", ["+.0044 [.0037, .0050]", "p < .001", "-", "0.6788", "a, b and c", "15 & 16"])
def test_numbers_and_plain_words_stay_readable_unrendered(text: str) -> None:
    assert literal(text) == text
