"""A field that tells the label: said wherever the data is looked at, kept with the plan, and no reason to stop."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.command_line import multiepoch

from harness.results.findings import Severity
from harness.results.plan_results import read_plan_result

SCHEMA = """
fields = ["guest", "page", "status"]
time = "t"
[labels]
bought = "bought"
[split]
by = "time"
"""
PLAN = """
strategies = ["none"]
seeds = [1]
[[dataset]]
name = "table_file"
label = "visits"
schema = "visits.toml"
path = "visits.parquet"
[[model]]
name = "dnn"
dim = 2
hidden = [4]
[train]
epochs = 1
[search]
trials = 0
"""
SEEN = (
    "visits: stop (field_tells_label; numbers of such data mean nothing): Field 'status' alone tells label 'bought': "
    "the mean training label of its"
)


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    bought = (rng.random(3000) < 0.5).astype(np.int8)
    columns = {"guest": rng.integers(0, 300, 3000), "page": rng.integers(0, 50, 3000), "bought": bought}
    columns |= {"t": np.arange(3000), "status": 10 + bought + 2 * (rng.random(3000) < 0.5)}
    pl.DataFrame(columns).write_parquet(tmp_path / "visits.parquet")
    (tmp_path / "visits.toml").write_text(SCHEMA)
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path


def test_data_describe_and_check_say_it_and_end_well(visits: Path) -> None:
    described = multiepoch("data", "describe", "visits.parquet", "--schema", "visits.toml", cwd=visits)
    assert described.returncode == 0, described.stderr
    assert SEEN.removeprefix("visits: ") in described.stdout
    checked = multiepoch("check", "plan.toml", "reinit", cwd=visits)
    assert checked.returncode == 0, checked.stderr
    assert SEEN in checked.stdout
    assert "plan plan: 1 arm, at most 1 run; data sets: 1, findings: 1" in checked.stdout
    assert "strategy reinit: " in checked.stdout
    assert not (visits / "results" / "runs").exists()


def test_a_benchmark_says_it_first_and_its_report_keeps_it(visits: Path) -> None:
    done = multiepoch("benchmark", "plan.toml", "--no-mlflow", "-j", "1", cwd=visits)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(SEEN)
    (kept,) = read_plan_result(visits / "results", "plan").findings["visits"]
    assert (kept.check, kept.severity) == ("field_tells_label", Severity.STOP)
    for path in ("report.html", "report/plan.md"):
        assert "the mean training label of its ids has AUC 1.00" in (visits / "results" / path).read_text()
    (described,) = (visits / "results" / "descriptions").iterdir()
    assert described.stem == read_plan_result(visits / "results", "plan").data["visits"]
    assert "The data of plan" in (visits / "results" / "report.html").read_text()
    kept_file = visits / "results" / "plans" / "plan.json"
    before = {k: v for k, v in json.loads(kept_file.read_text()).items() if k != "findings"}
    kept_file.write_text(json.dumps(before))
    assert read_plan_result(visits / "results", "plan").findings == {}, "a plan that was run before there were any"


def test_a_copy_of_the_label_is_refused(visits: Path) -> None:
    rows = pl.read_parquet(visits / "visits.parquet")
    rows.with_columns(status=pl.when(pl.col("bought") == 1).then(pl.lit("paid")).otherwise(None)).write_parquet(
        visits / "visits.parquet"
    )
    refused = multiepoch("check", "plan.toml", cwd=visits)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert "fields.status = 'status' has the values of label 'bought' under other names" in refused.stderr
