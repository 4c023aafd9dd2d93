"""What may watch a plan run."""

from __future__ import annotations

from typing import Protocol

from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.job import Job


class Observer(Protocol):
    """Watches a plan run, as the progress display and the tracker do."""

    def planned(self, runs: int) -> None:
        """How many runs the plan will come to."""

    def started(self, job: Job) -> None:
        """A run was handed to the launcher: once, or again if the process that trained it died."""

    def recorded(self, job: Job, record: Record) -> None:
        """A run was evaluated, or an earlier attempt's evaluation was kept."""

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        """A run is done or has crashed; `trained` is false if it was found on disk."""

    def arm_done(self, arm: Arm) -> None:
        """All runs of an arm are done."""
