"""A race drops what is settled, says why, and rarely drops what should have stayed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.simulated import Bench, failing

from harness.analysis import racing
from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate
from harness.analysis.groups import Group
from harness.analysis.settling import unsettled
from harness.experiment.plan import Plan, Race
from harness.results.plan_results import read_plan_result
from perf.racing import Case, race, simulate

FALLS, RISES, FLAT = (0.67, 0.65, 0.63), (0.67, 0.675, 0.68), (0.67, 0.6702, 0.67)
NEAR = 0.001


def raced(folder: Path, seeds: int, **curves: tuple[float, ...]) -> tuple[Group, Plan]:
    bench = Bench(folder, curves=curves, seeds=tuple(range(1, seeds + 1)), own=0.0004)
    group = bench.group()
    values: dict[str, Any] = {"name": "bench", "repetitions": {"least": 5, "most": 20, "settle": NEAR}}
    values |= {"dataset": [{"name": "synthetic"}], "model": [{"name": "dnn"}], "strategies": list(curves)}
    return group, Plan.model_validate(values)


def test_arms_are_settled_by_what_they_show_and_say_so(tmp_path: Path) -> None:
    group, plan = raced(tmp_path, 8, none=FALLS, reinit=RISES, hashing=FLAT, l2=(0.66, 0.661, 0.662))
    said = racing.settled(GroupAnalysis(group, plan), NEAR)
    assert said == {
        "none": "validation picks its first epoch, which is the reference",
        "reinit": "surely above one tuned epoch",
        "hashing": "surely behind reinit",
        "l2": "surely below one tuned epoch",
    }


def test_what_differs_by_less_than_chance_goes_on_with_its_baseline(tmp_path: Path) -> None:
    group, plan = raced(tmp_path, 6, none=FALLS, hashing=(0.67, 0.6705, 0.671), low_frequency_filter=FLAT)
    assert racing.settled(GroupAnalysis(group, plan), 1e-9) == {
        "none": "validation picks its first epoch, which is the reference"
    }
    result = read_plan_result(tmp_path, "bench")
    assert isinstance(plan.repetitions, Race)
    closer = plan.model_copy(update={"repetitions": plan.repetitions.model_copy(update={"settle": 1e-9})})
    found = unsettled(closer, result, tmp_path)
    assert {each[2] for each in found.open} == {"hashing", "low_frequency_filter", "one_epoch"}


def test_an_arm_that_was_settled_has_always_valid_intervals_and_the_others_students(tmp_path: Path) -> None:
    group, plan = raced(tmp_path, 6, none=FALLS, reinit=RISES)
    before = {row.arm.label: row for row in GroupAnalysis(group, plan).ranked}
    closed = tuple(
        replace(arm, arm=replace(arm.arm, settled="x")) if arm.label == "reinit" else arm for arm in group.arms
    )
    after = {row.arm.label: row for row in GroupAnalysis(replace(group, arms=closed), plan).ranked}
    for label, wider in (("reinit", True), ("none", False)):
        old, new = (rows[label].value("gain") for rows in (before, after))
        assert old is not None and new is not None  # noqa: PT018
        assert new.low is not None and old.low is not None  # noqa: PT018
        assert (new.low < old.low) is wider
        assert (new.values, new.mean) == (old.values, old.mean)


def test_seeds_on_one_side_of_zero_show_a_direction_where_test_rows_cannot_move_them() -> None:
    ends = (-0.002, -0.21, -0.003, -0.004, -0.002)
    assert racing.alike(Estimate(ends)) == -1
    assert racing.alike(Estimate(ends, test_error=0.002)) == 0
    assert racing.alike(Estimate(ends[:4])) == 0


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_races_without_a_gain_drop_falsely_in_at_most_one_of_fifty(shared: float) -> None:
    """With time for many looks, after which Student's test looks once more."""
    plans, case = 500, Case("none", (0.0, 0.0, 0.0), shared, 5, 20)
    found = race(simulate(case, plans, np.random.default_rng(3)), case)
    dropped = (found.settled > 0).any(1).mean()
    assert dropped <= racing.LEVEL + 3 * np.sqrt(racing.LEVEL / plans)


def test_time_that_dropping_saves_goes_to_the_arms_that_are_open() -> None:
    case = Case("one falls", (-9.0, 0.0, 1.0), 0.0, 8, 8)
    found = race(simulate(case, 200, np.random.default_rng(4)), case)
    assert (found.below + found.behind)[:, 0].mean() > 0.9
    assert found.seeds[:, 0].mean() < 8
    assert found.seeds[:, 1:].mean() > 8
    assert found.seeds.max() > 8


def test_what_a_failed_seed_left_settles_no_other_arm(tmp_path: Path) -> None:
    """Those that are left were not drawn by chance: of the mitigation here, and of one tuned epoch below."""
    group, plan = raced(tmp_path, 8, none=FALLS, reinit=RISES, hashing=FLAT)
    assert racing.settled(GroupAnalysis(group, plan), NEAR)["hashing"] == "surely behind reinit"
    said = racing.settled(GroupAnalysis(failing(group, "reinit"), plan), NEAR)
    assert (said["reinit"], "hashing" in said) == ("some of its seeds failed", False)
    said = racing.settled(GroupAnalysis(failing(group, "one epoch"), plan), NEAR)
    assert "reinit" not in said
    assert set(said.values()) == {"surely behind reinit"}
