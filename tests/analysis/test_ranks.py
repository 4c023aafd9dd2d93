"""Ranks over data sets and tasks: the published example, the groups of the diagram, and the size of the test."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.simulated import Bench, failing

from harness.analysis.analysis import Analysis
from harness.analysis.load import load
from harness.analysis.ranks import Ranking, average_ranks, friedman, nemenyi
from harness.report.figures.ranks import diagram
from harness.report.tables import overall
from harness.report.write import write_report
from harness.results.plan_results import PlanResult, read_plan_result, write_plan_result

CURVES = {"none": (0.67, 0.65), "reinit": (0.67, 0.69), "hashing": (0.66, 0.65), "l2": (0.67, 0.68)}


def ranking(ranks: tuple[float, ...], critical_difference: float) -> Ranking:
    names = tuple(f"arm{i}" for i in range(len(ranks)))
    return Ranking("auc", ("a / dnn", "b / dnn", "c / dnn"), 3, names, ranks, 0.01, critical_difference, ())


def test_the_critical_difference_of_demsars_example() -> None:
    """Four classifiers on fourteen data sets: 2.569 sqrt(4 * 5 / (6 * 14)) = 1.25."""
    assert nemenyi(4, 14) == pytest.approx(2.569 * np.sqrt(20 / 84), abs=5e-4)


@pytest.mark.parametrize(("arms", "critical"), [(2, 1.960), (5, 2.728), (10, 3.164)])
def test_critical_values_are_those_of_his_table(arms: int, critical: float) -> None:
    assert nemenyi(arms, 10) / np.sqrt(arms * (arms + 1) / 60) == pytest.approx(critical, abs=6e-4)


def test_the_largest_score_ranks_first_and_ties_share_their_rank() -> None:
    assert average_ranks(np.array([[3.0, 1.0, 2.0], [5.0, 5.0, 1.0]])).tolist() == [1.25, 2.25, 2.5]


def test_friedmans_test_rejects_no_more_than_it_says_and_a_tie_shows_nothing() -> None:
    """Chi-squared is approximate over 10 blocks, and errs on the safe side; the bound is one chance in a million."""
    rng = np.random.default_rng(5)
    rejected = sum(friedman(rng.normal(size=(10, 4))) <= 0.05 for _ in range(1000))
    assert 10 < rejected <= stats.binom.isf(1e-6, 1000, 0.05)
    assert friedman(np.ones((3, 4))) == 1
    assert friedman(np.arange(4.0) + np.zeros((10, 1))) < 1e-5


@pytest.mark.parametrize(
    ("ranks", "critical", "cliques"),
    [
        ((1.0, 2.0, 3.0, 4.0), 1.0, [(0, 1), (1, 2), (2, 3)]),
        ((1.0, 1.5, 3.0, 3.2), 1.0, [(0, 1), (2, 3)]),
        ((1.0, 2.0, 3.0), 5.0, [(0, 2)]),
        ((1.0, 3.0, 5.0), 1.0, []),
        ((1.0, 2.0, 2.5, 4.4), 2.0, [(0, 2), (2, 3)]),
    ],
)
def test_bars_join_the_largest_sets_that_are_not_told_apart(
    ranks: tuple[float, ...], critical: float, cliques: list[tuple[int, int]]
) -> None:
    assert ranking(ranks, critical).cliques == cliques


def plan_of(folder: Path, *names: str) -> None:
    """One plan on these data sets; `l2` is on the first alone."""
    for name in names:
        curves = CURVES if name == names[0] else {k: v for k, v in CURVES.items() if k != "l2"}
        Bench(folder, name=name, dataset=name, curves=curves, own=0.0001).write()
    found = [read_plan_result(folder, name) for name in names]
    arms = tuple(arm for result in found for arm in result.arms)
    write_plan_result(folder, PlanResult("both", found[0].plan | {"name": "both"}, arms, True))


def test_arms_are_ranked_over_every_data_set_and_task_a_data_set_counting_once(tmp_path: Path) -> None:
    plan_of(tmp_path, "one", "two", "three")
    found = Analysis(load(tmp_path, "both")).ranking
    assert found is not None
    assert (found.blocks, found.tasks) == (("one / dnn", "two / dnn", "three / dnn"), 6)
    assert found.names == ("reinit", "none", "one epoch", "hashing")
    assert found.ranks == (1.0, 2.5, 2.5, 4.0)
    assert found.left_out == ("l2",)
    scores = -np.array([[1.0, 2.5, 2.5, 4.0]] * 3)
    assert (found.p, found.critical_difference) == (friedman(scores), nemenyi(4, 3))
    said = overall.summary(found)
    assert "left out: l2" in said
    assert "over 3 data sets or models, in 6 tasks" in said
    assert "the arms differ" in said


def test_an_arm_with_a_failed_seed_is_not_ranked_by_those_that_are_left(tmp_path: Path) -> None:
    plan_of(tmp_path, "one", "two")
    both = load(tmp_path, "both")
    first, second = both.groups
    found = Analysis(dataclasses.replace(both, groups=(failing(first, "hashing", (1,)), second))).ranking
    assert found is not None
    assert (found.names, found.left_out) == (("reinit", "none", "one epoch"), ("hashing", "l2"))


@pytest.mark.parametrize("names", [("one",), ("one", "two")])
def test_tasks_of_few_data_sets_are_ranked_and_not_tested(names: tuple[str, ...], tmp_path: Path) -> None:
    plan_of(tmp_path, *names)
    found = Analysis(load(tmp_path, "both")).ranking
    assert found is not None
    assert found.names[0] == "reinit"
    assert (found.p, found.critical_difference, found.cliques) == (None, None, [])
    assert "Too few for a test" in overall.summary(found)
    assert "differ" not in overall.summary(found)
    assert "critical difference" not in diagram(found)


def test_a_data_set_without_a_result_yet_is_no_block(tmp_path: Path) -> None:
    plan_of(tmp_path, "one", "two")
    for path in tmp_path.glob("runs/two-*/done"):
        path.unlink()
    found = Analysis(load(tmp_path, "both")).ranking
    assert found is not None
    assert (found.blocks, found.tasks) == (("one / dnn",), 2)


def test_the_table_of_all_data_sets_has_each_gain_and_the_average_rank(tmp_path: Path) -> None:
    plan_of(tmp_path, "one", "two")
    grid = overall.across(Analysis(load(tmp_path, "both")))
    assert [column.title for column in grid.columns] == ["strategy", "one / dnn", "two / dnn", "average rank"]
    assert [line[0].text for line in grid.lines] == ["reinit", "none", "hashing"]
    assert [line[-1].text for line in grid.lines] == ["1.0", "2.5", "3.5"]
    gains = [[float(cell.text) for cell in line[1:3]] for line in grid.lines]
    for gain, curve in zip(gains, (CURVES["reinit"], CURVES["none"], CURVES["hashing"]), strict=True):
        assert gain == pytest.approx([max(curve) - CURVES["none"][0]] * 2, abs=0.03)


def test_tables_are_named_by_the_plan_and_say_how_long_it_took(tmp_path: Path) -> None:
    plan_of(tmp_path, "one", "two")
    result = read_plan_result(tmp_path, "both")
    write_plan_result(tmp_path, dataclasses.replace(result, plan=result.plan | {"table": "leaderboard"}))
    write_report(tmp_path, ["both"])
    page = (tmp_path / "report" / "leaderboard.md").read_text()
    assert not (tmp_path / "report" / "both.md").exists()
    assert "(leaderboard-1.svg)" in page
    runs = sum(len(CURVES[s]) for s in CURVES) * 3 + sum(len(CURVES[s]) for s in CURVES if s != "l2") * 3
    assert f"trained and evaluated for {runs * 2.5 / 60:.0f} minutes" in page


def test_one_task_of_one_data_set_has_no_ranks(tmp_path: Path) -> None:
    Bench(tmp_path, tasks=("click",)).write()
    assert Analysis(load(tmp_path, "bench")).ranking is None


def test_the_diagram_names_every_arm_and_is_the_same_each_time() -> None:
    found = ranking((1.0, 2.0, 2.5, 4.4), 2.0)
    svg = diagram(found)
    assert svg == diagram(found)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert set(found.names) <= set(texts)
    assert "critical difference 2.00" in texts
