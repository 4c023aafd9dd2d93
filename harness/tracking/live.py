"""An observer of a launch that has a tracker show it."""

from __future__ import annotations

from harness.results.keys import ArmRole
from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.job import Job
from harness.tracking.background import Background
from harness.tracking.members import member


class Live:
    """Passes on what a launch does."""

    def __init__(self, tracking: Background) -> None:
        self._tell, self._arms = tracking.tell, list[Arm]()

    def planned(self, runs: int) -> None:
        pass

    def started(self, job: Job) -> None:
        self._tell(lambda tracker: tracker.start(member(job), job.spec.model_dump(mode="json")))

    def recorded(self, job: Job, record: Record) -> None:
        if not record.window:  # of windows, what is shown are the means at the end
            self._log(job.key, record)

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        if trained:
            for record in run.records if run.windows else ():
                self._log(job.key, record)
            self._tell(lambda tracker: tracker.finish(job.key, run.status, run.reason))
        else:
            self._tell(lambda tracker: tracker.replay(run, member(job)))

    def arm_done(self, arm: Arm) -> None:
        """Show the arm, and if it is a baseline, again those that waited for it."""
        self._arms.append(arm)
        peers = [a for a in self._arms if (a.dataset, a.model) == (arm.dataset, arm.model)]
        changed = [a for a in peers if ArmRole.ONE_EPOCH in (a.role, arm.role) or a is arm]
        self._tell(lambda tracker: tracker.show_arms(changed, peers))

    def _log(self, key: str, record: Record) -> None:
        self._tell(lambda tracker: tracker.log(key, record))
