"""Faults that are tried on purpose: bad inputs get one line, and the small form of each measurement survives."""

from __future__ import annotations

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from perf.faults.__main__ import faults, main
from perf.faults.cases import BAD, BadInput
from perf.faults.count import Count
from perf.faults.damage import damages
from perf.faults.inputs import tried
from perf.faults.tracking import server


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.what)
def test_a_bad_input_is_one_line_before_anything_trains(bad: BadInput, tmp_path: Path) -> None:
    answer = tried(bad, tmp_path)
    assert not answer.problem, answer.line


def test_the_small_form_counts_every_kind_and_all_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["faults", "--quick", "--out", str(tmp_path)])
    main()
    text = (tmp_path / "faults.md").read_text()
    assert text in capsys.readouterr().out
    assert text.count("\n| a") + text.count("\n| the") == 6
    assert "Everything survived." in text, text
    assert (tmp_path / "bad_inputs.md").read_text().count("\n| plan: ") == 5


def test_what_is_lost_is_counted_and_named() -> None:
    count = Count("a kind", "it goes on")
    count.add("one", "")
    count.add("two", "other numbers")
    assert count.row() == "| a kind | 2 | 1 | it goes on |"
    assert "- a kind: two: other numbers" in faults([count], 60)


def test_damage_that_is_not_noticed_would_be_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the check of built data switched off, damage comes through."""
    monkeypatch.setattr("harness.data.indexed.damage", lambda folder: "")
    data, *_ = damages(tmp_path, 4, 0)
    assert data.lost


def test_a_server_that_answers_500_is_one(tmp_path: Path) -> None:
    with server("answers 500") as url, pytest.raises(HTTPError, match="500"):
        urlopen(url, timeout=10)
