"""Records that version 1.0 wrote are read, and come to the same numbers: docs/reliability.md promises so.

`released-1.0.tar.xz` holds a results folder of two strategies, with two trials and two seeds each, and its CSV.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import polars as pl

from harness.report.write import write_report

PACKED, PLAN = Path(__file__).with_name("released-1.0.tar.xz"), "released"
KEY = ("dataset", "model", "strategy", "role", "task", "metric", "split", "quantity")
NUMBERS = ("mean", "values", "n", "chosen_epochs", "trials", "finished_seeds", "expected_seeds")


def test_a_report_is_made_of_records_of_version_1(tmp_path: Path) -> None:
    with tarfile.open(PACKED) as packed:
        packed.extractall(tmp_path, filter="data")
    table = tmp_path / "report" / f"{PLAN}.csv"
    then = pl.read_csv(table)
    table.unlink()
    write_report(tmp_path, [PLAN])
    now = pl.read_csv(table)
    assert then.height > 100
    assert now.select(KEY + NUMBERS).sort(KEY).equals(then.select(KEY + NUMBERS).sort(KEY))
