"""What watches a launch for a tracker, whichever tracker it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from support.tracking import NONE, PLAN, arm_of, records_of, spec_of

from harness.experiment.plan import RunSpec
from harness.results.keys import ArmRole, RunRole, Status
from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.job import Job
from harness.tracking.factory import open_tracker
from harness.tracking.live import Live
from harness.tracking.members import Member
from harness.tracking.tracker import NoTracker


class Spy(NoTracker):
    """Notes what it is told; every record takes a second."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told: list[object] = []

    def log(self, key: str, record: Record) -> None:
        self.seconds += 1

    def log_cost(self, key: str, epoch: int, cost: Mapping[str, float]) -> None:
        self.told.append((key, epoch, cost))

    def finish(self, key: str, status: Status, reason: str = "") -> None:
        self.told.append((key, status, reason))

    def replay(self, run: Run, member: Member) -> None:
        self.told.append((run.key, member.number))

    def finish_arms(self, arms: Sequence[Arm]) -> None:
        self.told.append([arm.id.name for arm in arms])


@pytest.fixture
def job() -> Job:
    spec = RunSpec.model_validate_json(json.dumps(spec_of(1)))
    return Job("k1", spec, "data", NONE, RunRole.SEED, 1)


def test_seconds_of_tracking_are_a_cost_of_each_epoch(job: Job) -> None:
    tracker = Spy()
    live = Live(tracker)
    live.started(job)
    costs = [live.recorded(job, record) for record in records_of([0.7, 0.71])]
    assert costs == [{}, {"track_s": 2.0}, {}, {"track_s": 2.0}]
    assert tracker.told == [("k1", 1, {"track_s": 2.0}), ("k1", 2, {"track_s": 2.0})]


def test_no_tracker_costs_nothing(job: Job, tmp_path: Path) -> None:
    tracker = open_tracker("none", tmp_path, PLAN, warn=pytest.fail)
    live = Live(tracker)
    live.started(job)
    assert [live.recorded(job, record) for record in records_of([0.7])] == [{}, {}]
    assert tracker.pages() == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_from_disk_is_replayed_and_a_trained_one_ended(job: Job) -> None:
    tracker = Spy()
    live = Live(tracker)
    run = Run("k1", {}, (), Status.FAILED, "diverged", {})
    live.finished(job, run, trained=False)
    live.finished(job, run, trained=True)
    assert tracker.told == [("k1", 1), ("k1", Status.FAILED, "diverged")]


def test_arms_are_shown_again_when_their_baseline_is_done() -> None:
    tracker = Spy()
    live = Live(tracker)
    arms: list[Arm] = [arm_of({1: "a"}, "reinit"), arm_of({1: "b"}), arm_of({1: "c"}, role=ArmRole.ONE_EPOCH)]
    for arm in arms:
        live.arm_done(arm)
    assert tracker.told == [["reinit"], ["none"], ["reinit", "none", "one_epoch"]]
