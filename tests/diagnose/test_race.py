"""A race asks for more while there is time, and a later launch asks for no more than an earlier one."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
from support.plans import PLAN, Inline, plan_of

from harness.diagnose.race import Referee
from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.results.keys import ArmRole
from harness.results.plan_results import PlanResult


def race(folder: Path, settle: float, most: int = 4) -> Plan:
    """Two arms that differ a little, looked at after each seed from the second on."""
    text = PLAN.replace("seeds = [1, 2]\n", f"repetitions = {{ least = 2, most = {most}, settle = {settle} }}\n")
    return plan_of(folder, text.replace('"reinit"', '"embedding_dropout"'), "search.trials=0", "train.epochs=1")


def go(plan: Plan, results: Path, referee: Referee) -> PlanResult:
    launcher = Inline(JobRunner(results, None))
    return launch(plan, prepare(plan, Registry(), results), results, launcher, referee=referee)


def took(result: PlanResult) -> dict[str, int]:
    return {arm.strategy: len(arm.runs) for arm in result.arms if arm.role == ArmRole.ARM}


@pytest.mark.parametrize(
    ("planned", "left", "seeds", "ended"), [(2, math.inf, 4, []), (2, 0.0, 2, [2]), (3, 0.0, 3, [3])]
)
def test_as_many_seeds_as_planned_and_then_while_time_lasts(
    planned: int, left: float, seeds: int, ended: list[int], tmp_path: Path
) -> None:
    told = list[int]()
    referee = Referee(planned, 1, time.monotonic() + left, None, told.append)
    result = go(race(tmp_path, 1e-9), tmp_path, referee)
    assert (took(result), told) == ({"none": 2, "embedding_dropout": seeds}, ended)
    assert referee.enough
    assert {arm.strategy: arm.settled for arm in result.arms if arm.role == ArmRole.ARM} == {
        "none": "validation picks its first epoch, which is the reference",
        "embedding_dropout": "",
    }
    (base,) = (arm for arm in result.arms if arm.role == ArmRole.ONE_EPOCH)
    assert len(base.runs) == seeds
    assert all(json.loads((tmp_path / "plans" / "tiny.json").read_text())["arms"])


def test_time_that_ends_before_what_was_planned_is_not_enough(tmp_path: Path) -> None:
    told = list[int]()
    referee = Referee(9, 1, time.monotonic(), None, told.append)
    go(race(tmp_path, 1e-9, most=3), tmp_path, referee)
    assert not referee.enough
    assert (referee.time_is_up(), told) == (False, [])


def test_a_launch_that_is_cut_with_all_that_was_planned_ends_the_race(tmp_path: Path) -> None:
    told = list[int]()
    referee = Referee(2, 1, math.inf, None, told.append)
    go(race(tmp_path, 1e-9, most=3), tmp_path, referee)
    assert (referee.time_is_up(), told) == (True, [2])


def test_a_later_launch_ends_where_time_ended_the_first_and_settles_the_same(tmp_path: Path) -> None:
    """With all the time there is: an arm that is settled at the last look keeps its always-valid interval."""
    first = go(race(tmp_path, 1e-9), tmp_path, Referee(2, 1, time.monotonic(), None, lambda seeds: None))
    again = go(race(tmp_path, 1e-9), tmp_path, Referee(2, 1, math.inf, 2, lambda seeds: None))
    assert again.arms == first.arms
    assert any(arm.settled for arm in again.arms)
