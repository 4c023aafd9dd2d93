"""The end of a launch at a time."""

from __future__ import annotations

import time

from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.job import Job


class TimeIsUp(Exception):
    """The time that a user gave is over."""


class Deadline:
    """Watches a launch, and ends it after so many seconds, whatever still trains."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def _look(self) -> None:
        if time.monotonic() > self._end:
            raise TimeIsUp

    def planned(self, runs: int) -> None:
        pass

    def started(self, job: Job) -> None:
        self._look()

    def recorded(self, job: Job, record: Record) -> None:
        self._look()

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        pass

    def arm_done(self, arm: Arm) -> None:
        pass
