"""What may watch a plan run."""

from __future__ import annotations

from typing import Protocol

from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.arm import Job


class Observer(Protocol):
    """What watches a plan run: the progress display, MLflow."""

    def planned(self, runs: int) -> None:
        """How many runs the plan will come to."""

    def started(self, job: Job) -> None: ...

    def recorded(self, job: Job, record: Record) -> None: ...

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        """A run is done or has crashed; `trained` is false if it was found on disk."""

    def arm_done(self, arm: Arm) -> None: ...
