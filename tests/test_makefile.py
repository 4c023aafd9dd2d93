"""What `make` deletes is of the results folder that is named, whatever it is called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.base.places import ROOT
from harness.results.plan_results import FOLDERS


def clean(folder: Path, results: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", str(ROOT / "Makefile"), "clean-results", "YES=1", f"RESULTS={results}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_results_folder_with_a_space_in_its_name_is_cleaned_and_no_other(tmp_path: Path) -> None:
    for results in ("old results", "old", "results"):
        for name in (*FOLDERS, "tables"):
            (tmp_path / results / name).mkdir(parents=True)
        for name in ("mlflow.db-wal", "report-my.html", "README.md"):
            (tmp_path / results / name).touch()
    assert clean(tmp_path, "old results").returncode == 0
    assert sorted(path.name for path in (tmp_path / "old results").iterdir()) == ["README.md", "tables"]
    for other in ("old", "results"):
        assert len(list((tmp_path / other).iterdir())) == len(FOLDERS) + 4


def test_no_results_folder_is_not_the_root_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rm").write_text(f"#!/bin/sh\ntouch '{tmp_path}/called'\n")
    (tmp_path / "rm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = clean(tmp_path, "")
    assert done.returncode == 2
    assert "RESULTS is empty" in done.stderr
    assert not (tmp_path / "called").exists()
