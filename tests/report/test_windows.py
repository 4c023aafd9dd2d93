"""A continual plan from end to end: its run, what is analysed by window, and what the report shows of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.plans import PLAN, go, plan_of

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.windows import by_window
from harness.base.errors import UserError
from harness.metrics.selection import choose
from harness.report.write import analyse, write_report
from harness.results.keys import MetricKey
from harness.results.run_reader import read

SETTINGS = ("search.trials=0", "train.continual.windows=4", "evaluation.points=[]")
ONE = ('strategies=["none"]', "seeds=[1]", "evaluation.points=[]")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("continual")
    go(plan_of(folder, PLAN, *SETTINGS), folder / "results")
    return folder / "results"


@pytest.fixture(scope="module")
def analysis(results: Path) -> GroupAnalysis:
    (found,) = analyse(results, "tiny").groups
    return found


def test_the_epoch_is_chosen_by_the_mean_over_windows(results: Path, analysis: GroupAnalysis) -> None:
    key = MetricKey("valid", "auc", "click")
    for arm in analysis.group.arms:
        for seed, run in arm.finished.items():
            written = read(results / "runs", run.key).windows
            means = {e: np.mean([r.metrics[key] for r in written if r.boundary and r.epoch == e]) for e in (1, 2)}
            assert choose(arm.arm.select, "auc", "click", run.records)[0] == max(means, key=lambda e: (means[e], -e))
            assert analysis.epochs[id(arm)][seed] == max(means, key=lambda e: (means[e], -e))


@pytest.mark.parametrize(("last", "quantity"), [(False, "gain"), (True, "final_epoch_gain")])
def test_gains_by_window_average_to_those_of_the_ranking(analysis: GroupAnalysis, last: bool, quantity: str) -> None:
    gains = {id(row.arm): row.value(quantity) for row in analysis.ranked}
    found = by_window(analysis, last=last)
    assert [each.arm.label for each in found] == ["none", "reinit", "one epoch"]
    for each in found[:-1]:
        assert sorted(each.gains) == [1, 2, 3]
        gain = gains[id(each.arm)]
        assert gain is not None
        assert np.mean([list(by_seed.values()) for by_seed in each.gains.values()]) == pytest.approx(gain.mean)
        assert each.first is not None
        assert each.last is not None
        assert each.trend is not None
        assert each.trend.mean == pytest.approx((each.last.mean - each.first.mean) / 2), "three places: ends alone"


def test_no_jump_is_told_between_models_of_two_passes(analysis: GroupAnalysis) -> None:
    """Begun warm, epoch 2 of a window is of the pass that trains two on each; the end of epoch 1 is of the other."""
    assert analysis.plan.train.continual is not None
    assert analysis.plan.train.continual.start == "warm"
    assert [row.value("jump") for row in analysis.ranked] == [None] * 3


def test_the_report_shows_gains_by_window(results: Path) -> None:
    page = write_report(results, ["tiny"]).read_text()
    assert "<h3>By window</h3>" in page
    table = (results / "report" / "tiny.md").read_text()
    assert "### Gain by window" in table
    assert "after window 3, at the chosen epoch" in table
    assert "after window 3, if trained to epoch 2" in table
    assert "![click gain by window](tiny-1-windows.svg)" in table
    assert (results / "report" / "tiny-1-windows.svg").read_text().startswith("<svg")


def test_a_searched_continual_plan_tunes_one_epoch_a_window_by_itself(tmp_path: Path) -> None:
    settings = (
        "search.trials=1",
        "train.continual.windows=2",
        "evaluation.points=[]",
        "seeds=[1]",
        'strategies=["none"]',
    )
    result, watcher = go(plan_of(tmp_path, PLAN, *settings), tmp_path / "results")
    assert {run.spec["train"]["epochs"] for run in watcher.runs} == {1, 2}
    assert all(run.windows for run in watcher.runs)
    assert len(result.arms) == 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.continual.windows=1", "train.continual.windows = 1 is not accepted: accepted: a number from 2 on"),
        ("train.continual.windows=1x", "'1x' is no time; accepted: a number and a unit"),
        ("train.continual.window=4", "train.continual: unknown key 'window'; did you mean 'windows'"),
        ("train.continual.start=cold", "train.continual.start = 'cold' is not accepted"),
    ],
)
def test_a_plan_says_how_windows_are_cut(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_of(tmp_path, PLAN, setting)


def test_a_window_without_a_label_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train.continual: .* of 3000 has only one class of label 'click' in"):
        go(plan_of(tmp_path, PLAN, *SETTINGS, "train.continual.windows=3000"), tmp_path / "results")
