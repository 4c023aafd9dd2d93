"""Searches side by side: whenever runs end, a study proposes the same."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.execution.scheduler import launch
from harness.experiment.plan import STARTUP, Plan
from harness.experiment.plan_file import load_plan
from harness.results.keys import ArmId, RunRole
from perf import schedule
from perf.schedule import Simulated, arms_of, chance, simulate

SMALL = ("strategies=['none', 'l2']", "seeds=[1]", "search.trials=9", "train.epochs=2")


def plan_of(parallel: int) -> Plan:
    return load_plan("quick", [*SMALL, f"search.parallel={parallel}"])


def trials(parallel: int, workers: int, order: int) -> dict[ArmId, list[tuple[dict[str, Any], float | None]]]:
    """Of every arm, knobs and value of each trial. order: another one lets runs end in another order."""
    with TemporaryDirectory() as folder:
        arms = arms_of(plan_of(parallel), Path(folder))
        result = launch(arms[0].plan, arms, Path(folder), Simulated(workers, lambda job: chance(f"{job.key} {order}")))
    return {arm.id: [(trial.params, trial.value) for trial in arm.trials] for arm in result.arms}


@pytest.fixture(scope="module", params=[1, 3])
def alone(request: pytest.FixtureRequest) -> tuple[int, dict[ArmId, list[tuple[dict[str, Any], float | None]]]]:
    """How many trials are proposed together, and what one worker makes of it."""
    return request.param, trials(request.param, 1, 0)


@given(workers=st.integers(1, 12), order=st.integers(0, 1 << 20))
@settings(max_examples=5)
def test_what_is_proposed_does_not_depend_on_workers_or_on_the_order_in_which_runs_end(
    alone: tuple[int, dict[ArmId, list[tuple[dict[str, Any], float | None]]]], workers: int, order: int
) -> None:
    parallel, expected = alone
    assert trials(parallel, workers, order) == expected


def test_trials_are_trained_side_by_side_in_batches_of_the_asked_size() -> None:
    most: dict[int, list[int]] = {}
    for parallel in (1, 4):
        with TemporaryDirectory() as folder:
            arm = arms_of(plan_of(parallel), Path(folder))[1]
            launcher = Counting(1 << 20, lambda job: 1.0)
            launch(arm.plan, [arm], Path(folder), launcher)
        most[parallel] = launcher.trials
    assert most == {1: [STARTUP, 1, 1, 1, 1], 4: [STARTUP, 4]}


def test_the_page_has_the_share_that_was_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = ("dataset=[{name='powerlaw'}]", "strategies=['none']", "seeds=[1]", "search.trials=2", "train.epochs=1")
    monkeypatch.setattr(schedule, "SHAPES", {"A small one": tiny})
    monkeypatch.setattr(schedule, "WORKERS", (3,))
    monkeypatch.setattr(schedule, "TOGETHER", (2,))
    found = simulate(load_plan("main", [*tiny, "search.parallel=2"]), 3)
    assert f"{found.busy:.0%} ({found.long:.0f}) |" in "\n".join(schedule.page(["A small one"]))


def test_a_launch_that_is_alone_never_sleeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sleeps while other processes train all that is ready."""
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    arms = arms_of(plan_of(1), tmp_path)
    assert launch(arms[0].plan, arms, tmp_path, Simulated(1, lambda job: 1.0)).complete


class Counting(Simulated):
    """Counts the trials that are submitted before the clock moves on."""

    trials: list[int]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.trials = []

    def submit(self, job: Any, records_held: int) -> None:
        if job.role == RunRole.TRIAL:
            if not self._running:
                self.trials.append(0)
            self.trials[-1] += 1
        super().submit(job, records_held)


@pytest.mark.parametrize("parallel", [1, 4])
def test_no_worker_idles_while_a_run_is_ready(parallel: int) -> None:
    """All take no longer than their share of the work and the longest chain together."""
    few, any_number = simulate(plan_of(parallel), 3), simulate(plan_of(parallel), 1 << 20)
    assert few.runs == any_number.runs
    assert any_number.long <= few.long <= few.busy * few.long + any_number.long
