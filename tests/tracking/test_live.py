"""What watches a launch for a tracker, whichever tracker it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.tracking import NONE, PLAN, arm_of, records_of, spec_of

from harness.experiment.specs import RunSpec
from harness.results.keys import ArmRole, RunRole, Status
from harness.results.plan_results import Arm
from harness.results.records import Record, Run, mean_over_windows
from harness.search.job import Job
from harness.tracking.background import Background
from harness.tracking.factory import opener
from harness.tracking.live import Live
from harness.tracking.members import Member
from harness.tracking.tracker import NoTracker


class Spy(NoTracker):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def log(self, key: str, record: Record) -> None:
        self.told.append((key, record.epoch))

    def finish(self, key: str, status: Status, reason: str = "") -> None:
        self.told.append((key, status, reason))

    def replay(self, run: Run, member: Member) -> None:
        self.told.append((run.key, member.number))

    def show_arms(self, arms: Sequence[Arm], among: Sequence[Arm]) -> None:
        self.told.append(([arm.id.name for arm in arms], len(among)))


@pytest.fixture
def spy() -> Spy:
    return Spy()


@pytest.fixture
def tracking(spy: Spy) -> Background:
    return Background(lambda: spy, warn=pytest.fail)


@pytest.fixture
def job() -> Job:
    spec = RunSpec.model_validate_json(json.dumps(spec_of(1)))
    return Job("k1", spec, "data", NONE, "click", RunRole.SEED, 1)


def test_records_are_passed_on_in_order(spy: Spy, tracking: Background, job: Job) -> None:
    live = Live(tracking)
    live.started(job)
    for record in records_of([0.7, 0.71, 0.72]):
        live.recorded(job, record)
    assert tracking.settled()
    assert spy.told == [("k1", epoch) for epoch in (1, 1, 2, 2, 3, 3)]


def test_of_windows_the_means_are_passed_on_once_the_run_has_ended(spy: Spy, tracking: Background, job: Job) -> None:
    live = Live(tracking)
    windows = tuple(replace(record, window=w) for w in (1, 2) for record in records_of([0.7, 0.71]))
    live.started(job)
    for record in windows:
        live.recorded(job, record)
    run = Run("k1", {}, mean_over_windows(windows), Status.FINISHED, "", {}, windows=windows)
    live.finished(job, run, trained=True)
    assert tracking.settled()
    assert spy.told == [*(("k1", epoch) for epoch in (1, 1, 2, 2)), ("k1", Status.FINISHED, "")]


def test_no_tracker_writes_nothing(job: Job, tmp_path: Path) -> None:
    tracking = Background(opener("none", tmp_path, PLAN, warn=pytest.fail), warn=pytest.fail)
    live = Live(tracking)
    live.started(job)
    live.recorded(job, records_of([0.7])[0])
    assert tracking.settled()
    assert not tracking.is_on
    assert tracking.pages() == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_from_disk_is_replayed_and_a_trained_one_ended(spy: Spy, tracking: Background, job: Job) -> None:
    live = Live(tracking)
    run = Run("k1", {}, (), Status.FAILED, "diverged", {})
    live.finished(job, run, trained=False)
    live.finished(job, run, trained=True)
    assert tracking.settled()
    assert spy.told == [("k1", 1), ("k1", Status.FAILED, "diverged")]


def test_arms_are_shown_again_when_their_baseline_is_done(spy: Spy, tracking: Background) -> None:
    live = Live(tracking)
    arms: list[Arm] = [arm_of({1: "a"}, "reinit"), arm_of({1: "b"}), arm_of({1: "c"}, role=ArmRole.ONE_EPOCH)]
    for arm in arms:
        live.arm_done(arm)
    assert tracking.settled()
    assert spy.told == [(["reinit"], 1), (["none"], 2), (["reinit", "none", "one_epoch"], 3)]
