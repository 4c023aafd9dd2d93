"""The figure of a trial or an arm: a panel per task and metric, with the runs' curves in it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.figures import run_curves
from harness.results.keys import MetricKey, Status
from harness.results.records import Record, Run

SVG = "{http://www.w3.org/2000/svg}"
TASKS = ("click", "buy")


def _run(key: str, epochs: int) -> Run:
    """It is evaluated in the middle and at the end of every epoch."""
    records = []
    for step in range(1, 2 * epochs + 1):
        splits = ("sample",) if step % 2 else ("sample", "valid")
        metrics = {MetricKey(s, m, t): 0.5 + step / 100 for s in splits for m in ("auc", "logloss") for t in TASKS}
        records.append(Record((step + 1) // 2, step, step / 2, step % 2 == 0, metrics, {}))
    return Run(key, {}, tuple(records), Status.FINISHED, "", {})


def _drawn(folder: Path, runs: list[Run]) -> ElementTree.Element:
    run_curves.write(path := folder / run_curves.FILE, "an <arm>", runs)
    return ElementTree.parse(path).getroot()


@pytest.mark.parametrize("epochs", [1, 3])
def test_every_task_has_a_panel_of_each_metric_beside_the_others(tmp_path: Path, epochs: int) -> None:
    root = _drawn(tmp_path, [_run("a", epochs), _run("b", epochs)])
    panels = root.findall(f"{SVG}svg")
    labels = {p.get("aria-label") for p in panels}
    assert labels == {f"an <arm>: valid {t} {m}" for t in TASKS for m in ("AUC", "logloss in nats")}
    corners = {(float(p.get("x", "")), float(p.get("y", ""))) for p in panels}
    assert len(corners) == len(panels)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for panel in panels:
        x, y, w, h = (float(panel.get(name, "")) for name in ("x", "y", "width", "height"))
        assert 0 <= x < x + w <= width
        assert 0 < y < y + h <= height


def test_a_line_per_run_and_their_mean_at_the_ends_of_epochs(tmp_path: Path) -> None:
    runs = [_run("a", 3), _run("b", 3), _run("c", 3)]
    panel = _drawn(tmp_path, runs).findall(f"{SVG}svg")[0]
    thin, mean = [p.get("d", "") for p in panel.iter(f"{SVG}path") if p.get("stroke") == run_curves.COLOR]
    assert thin.count("M") == len(runs)
    assert thin.count("L") == len(runs) * 5
    assert mean.count("L") == 2


def test_runs_without_an_evaluated_epoch_leave_a_title_alone(tmp_path: Path) -> None:
    root = _drawn(tmp_path, [Run("a", {}, (), Status.FAILED, "", {})])
    assert root.findall(f"{SVG}svg") == []
    assert [text.text for text in root.findall(f"{SVG}text")] == ["an <arm>"]
