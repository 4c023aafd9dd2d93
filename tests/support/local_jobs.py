"""Processes of this machine, started by submitit, that stand in for the jobs of SLURM."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import cast

import submitit


class LocalJobs:
    """As `SlurmJobs`."""

    def __init__(self, folder: Path) -> None:
        self._executor = submitit.LocalExecutor(folder)
        self._jobs: dict[str, submitit.Job[None]] = {}

    def submit(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        self._jobs[name] = self._executor.submit(work, *arguments)

    def ended(self, name: str) -> str:
        return self._jobs[name].state if name in self._jobs and self._jobs[name].done() else ""

    def cancel(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._jobs and not self.ended(name):
                with suppress(ProcessLookupError):
                    os.kill(int(self._jobs[name].job_id), signal.SIGTERM)

    def last_line(self, name: str) -> str:
        return (self._jobs[name].stderr() or "").strip().rpartition("\n")[2]

    def wait(self) -> None:
        """For the ends of their processes, which submitit leaves alone: a later test would be told of them."""
        for job in self._jobs.values():
            if (process := cast(submitit.LocalJob[None], job)._process) is not None:
                process.wait(timeout=60)
