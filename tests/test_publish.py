"""Runs write tables where git does not look; what is published is put there on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.checkout import changed, commit
from support.command_line import multiepoch
from support.simulated import Bench

from tools.publish import publish


def test_tables_change_what_git_keeps_when_they_are_published(tmp_path: Path) -> None:
    commit(tmp_path, "quick.md", "quick.csv", "quick-ranks.svg")
    Bench(tmp_path / "results", name="quick").write()
    assert multiepoch("report", cwd=tmp_path).returncode == 0
    assert (tmp_path / "results" / "report" / "quick.parquet").exists()
    assert changed(tmp_path) == []
    publish("quick", tmp_path / "results" / "report", tmp_path / "results" / "tables")
    assert changed(tmp_path) == [
        " M results/tables/quick-ranks.svg",
        " M results/tables/quick.csv",
        " M results/tables/quick.md",
        "?? results/tables/quick-1.svg",
    ]


def test_a_table_takes_the_place_of_the_one_published_before(tmp_path: Path) -> None:
    made, published = tmp_path / "made", tmp_path / "published"
    for folder, names in {
        made: ["facts.md", "facts-F1.svg", "facts-dense.md", "facts.parquet"],
        published: ["facts.md", "facts-F9.svg", "facts-dense.md", "facts-dense-F9.svg"],
    }.items():
        folder.mkdir()
        for name in names:
            (folder / name).write_text(folder.name)
    publish("facts", made, published)
    kept = {file.name: file.read_text() for file in published.iterdir()}
    assert kept == {
        "facts.md": "made",
        "facts-F1.svg": "made",
        "facts-dense.md": "published",
        "facts-dense-F9.svg": "published",
    }
    with pytest.raises(FileNotFoundError, match="no table 'fact'"):
        publish("fact", made, published)
    assert (published / "facts.md").exists()
