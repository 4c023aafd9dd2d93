"""The section on a new data set: there with three data sets, and the numbers of the pooled gains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.plans import PLAN, go, plan_of
from support.simulated import failing

from harness.analysis.analysis import Analysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.load import load
from harness.analysis.pooling import pool
from harness.report.pages import page
from harness.report.tables import new_data, overall
from harness.report.tables.grids import numbered
from harness.report.tables.printed import markdown


def analysed(folder: Path, data_sets: int) -> Analysis:
    head, dataset = PLAN.split("[[dataset]]")
    table, rest = dataset.split("[[model]]")
    several = (table.replace("click = 0.4", f'click = 0.{3 + n}\nlabel = "d{n}"') for n in range(data_sets))
    tables = "".join(f"[[dataset]]{each}" for each in several)
    text = f"{head}{tables}[[model]]{rest}".replace("trials = 2", "trials = 0")
    go(plan_of(folder, text), folder / "results")
    return Analysis(load(folder / "results", "tiny"))


@pytest.fixture(scope="module")
def of_three(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analysed(tmp_path_factory.mktemp("three"), 3)


def test_three_data_sets_are_pooled_arm_by_arm(of_three: Analysis) -> None:
    gains = [row.value("gain") for each in of_three.groups for row in each.ranked if row.arm.label == "reinit"]
    expected = pool([g.mean for g in gains if g], [g.error or 0 for g in gains if g])
    assert expected is not None
    assert of_three.pooled["reinit"].predicted == expected.predicted
    low, high = expected.predicted
    text = markdown(of_three, {})
    assert "## A new data set" in text
    assert f"{low:+.4f} and {high:+.4f}" in new_data.sentence(of_three)
    assert f"on one more {low:+.4f} to {high:+.4f}" in new_data.brief(of_three)
    whole = page.render(of_three)
    assert "A new data set" in whole
    assert 'href="#new-data"' in whole
    assert len(new_data.table(of_three).lines) == len(of_three.pooled)


def test_over_a_baseline_with_a_failed_seed_nothing_is_pooled(of_three: Analysis) -> None:
    assert of_three.pooled
    first, *others = of_three.comparison.groups
    groups = (failing(first, "one epoch", (1,)), *others)
    assert Analysis(replace(of_three.comparison, groups=groups)).pooled == {}


def test_two_data_sets_have_no_such_section(tmp_path: Path) -> None:
    two = analysed(tmp_path, 2)
    assert two.pooled == {}
    assert "A new data set" not in markdown(two, {})
    assert "A new data set" not in page.render(two)
    assert [line[0].text for line in overall.across(two).lines] == [row.arm.label for row in arms_of(two)]


def test_of_more_data_sets_than_arms_each_is_a_line(of_three: Analysis) -> None:
    grid = overall.across(of_three)
    assert [line[0].text for line in grid.lines] == ["d0 / dnn", "d1 / dnn", "d2 / dnn", "average rank"]
    assert [column.title for column in grid.columns[1:]] == [row.arm.label for row in arms_of(of_three)]
    for line, each in zip(grid.lines, of_three.groups, strict=False):
        gains = {row.arm.label: row.value("gain") for row in each.ranked}
        for column, found in zip(grid.columns[1:], line[1:], strict=True):
            gain = gains[column.title]
            assert gain is not None
            assert found.text == "0" if gain.identical else float(found.text) == pytest.approx(gain.mean, abs=1e-3)


def arms_of(analysis: Analysis) -> list[ArmComparison]:
    """By their average rank over data sets."""
    ranks: dict[str, float] = {}
    for each in analysis.groups:
        for rank, row in numbered(each.ranked):
            ranks[row.arm.label] = ranks.get(row.arm.label, 0) + float(rank or 1e9)
    arms = [row for row in analysis.groups[0].ranked if not row.arm.is_baseline]
    return sorted(arms, key=lambda row: ranks[row.arm.label])
