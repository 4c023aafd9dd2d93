"""Ids that lost digits are no fields, whatever else they might be; amounts in the same notation are."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.guess.first_schema import first_schema

WORDS = [("clicked", "not clicked"), ("click", "impression"), ("Converted", "not_converted"), ("on", "off"), ("Y", "n")]


def written(tmp_path: Path, name: str, form: str, yes: str = "1", no: str = "0") -> str:
    rows = "".join(f"u{n % 9},{(n % 60) * 2_222_222_221_111 + 7:{form}},{no if n % 3 else yes}\n" for n in range(200))
    (tmp_path / "log.csv").write_text(f"user,{name},clicked\n{rows}")
    return first_schema(str(tmp_path / "log.csv")).text


@pytest.mark.parametrize("form", [".4E", ".0e", ".6e"])
@pytest.mark.parametrize("name", ["item_id", "item", "session", "created_at"])
def test_ids_that_lost_digits_are_left_out(tmp_path: Path, name: str, form: str) -> None:
    text = written(tmp_path, name, form)
    assert f'# {name} = "{name}"  # left out: digits are lost in ' in text


@pytest.mark.parametrize(("name", "form"), [("price", ".4E"), ("item_id", ".18e"), ("item_id", "d")])
def test_amounts_and_ids_that_kept_theirs_are_fields(tmp_path: Path, name: str, form: str) -> None:
    assert f"\n{name} = " in written(tmp_path, name, form)


@pytest.mark.parametrize(("yes", "no"), WORDS)
def test_words_of_an_outcome_are_a_label(tmp_path: Path, yes: str, no: str) -> None:
    assert f"clicked = \"clicked = '{yes}'\"  # label" in written(tmp_path, "item", "d", yes, no)
