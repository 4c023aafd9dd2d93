"""A launch observer that keeps MLflow up to date."""

from __future__ import annotations

from harness.results import records
from harness.results.keys import ArmRole
from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.arm import Job
from harness.tracking.mlflow.points import Member
from harness.tracking.mlflow.tracker import Tracker


class Live:
    """Hands what a launch does to a Tracker, and adds to a run's costs on disk the seconds that tracking it took."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker, self._arms = tracker, list[Arm]()
        self._seconds: dict[str, float] = {}

    def planned(self, runs: int) -> None:
        pass

    def started(self, job: Job) -> None:
        self._seconds[job.key] = 0.0
        self._tracker.start(_member(job), job.spec.model_dump(mode="json"))

    def recorded(self, job: Job, record: Record) -> None:
        before = self._tracker.seconds
        self._tracker.log(job.key, record)
        self._seconds[job.key] += self._tracker.seconds - before
        if record.boundary:
            cost = {"track_s": self._seconds[job.key]}
            records.add_cost(self._tracker.runs, job.key, record.epoch, cost)
            self._tracker.log_cost(job.key, record.epoch, cost)
            self._seconds[job.key] = 0.0

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        if trained:
            self._tracker.finish(job.key, run.status, run.reason)
        else:
            self._tracker.replay(run, _member(job))

    def arm_done(self, arm: Arm) -> None:
        """End the arm, and again those that waited for it as their baseline."""
        self._arms.append(arm)
        peers = [a for a in self._arms if (a.dataset, a.model) == (arm.dataset, arm.model)]
        self._tracker.finish_arms([a for a in peers if ArmRole.ONE_EPOCH in (a.role, arm.role) or a is arm])


def _member(job: Job) -> Member:
    return Member(job.key, job.arm, job.role, job.number, job.varying, job.page)
