"""Writes down how far a launch is, for `multiepoch status`."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from harness.execution.progress import name, place
from harness.results.keys import Status
from harness.results.launches import Launch, Running, launch_file, write_launch
from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.job import Job


class Ledger:
    """A launch observer."""

    def __init__(self, results: Path, plan: str) -> None:
        self._results, self._plan = results, plan
        self._launch = Launch(runs=0)
        self._begun = False

    def sign(self) -> None:
        """Say that the launch goes on, if it has begun."""
        if self._begun:
            os.utime(launch_file(self._results, self._plan))

    def planned(self, runs: int) -> None:
        self._launch.runs = runs
        self._write()
        self._begun = True

    def started(self, job: Job) -> None:
        self._launch.running[job.key] = Running(name(job), time.time())
        self._write()

    def recorded(self, job: Job, record: Record) -> None:
        running = self._launch.running
        running[job.key] = replace(running[job.key], at=place(record))
        if record.boundary:
            self._write()

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        launch = self._launch
        launch.running.pop(job.key, None)
        launch.trained, launch.found = launch.trained + trained, launch.found + (not trained)
        if run.status == Status.FAILED:
            launch.failed[name(job)] = run.reason
        if trained:
            self._write()

    def arm_done(self, arm: Arm) -> None:
        self._write()

    def _write(self) -> None:
        write_launch(self._results, self._plan, self._launch)
