"""An observer of a launch that keeps a tracker up to date."""

from __future__ import annotations

from collections.abc import Mapping

from harness.results.keys import ArmRole
from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.job import Job
from harness.tracking.members import member
from harness.tracking.tracker import Tracker


class Live:
    """Passes on what a launch does, and counts the seconds that tracking takes as a cost of each epoch."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker, self._arms = tracker, list[Arm]()
        self._seconds: dict[str, float] = {}

    def planned(self, runs: int) -> None:
        pass

    def started(self, job: Job) -> None:
        self._seconds[job.key] = 0.0
        self._tracker.start(member(job), job.spec.model_dump(mode="json"))

    def recorded(self, job: Job, record: Record) -> Mapping[str, float]:
        before = self._tracker.seconds
        self._tracker.log(job.key, record)
        self._seconds[job.key] += self._tracker.seconds - before
        if not record.boundary or not self._seconds[job.key]:
            return {}
        cost = {"track_s": self._seconds[job.key]}
        self._tracker.log_cost(job.key, record.epoch, cost)
        self._seconds[job.key] = 0.0
        return cost

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        if trained:
            self._tracker.finish(job.key, run.status, run.reason)
        else:
            self._tracker.replay(run, member(job))

    def arm_done(self, arm: Arm) -> None:
        """Show the arm, and if it is a baseline, again those that waited for it."""
        self._arms.append(arm)
        peers = [a for a in self._arms if (a.dataset, a.model) == (arm.dataset, arm.model)]
        self._tracker.finish_arms([a for a in peers if ArmRole.ONE_EPOCH in (a.role, arm.role) or a is arm])
