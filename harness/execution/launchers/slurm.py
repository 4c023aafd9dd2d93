"""A launcher that trains each run in a job of its own, which SLURM starts on a node that sees the same folders.

A job appends its events to a file, and the scheduler reads them there. Partition, account and time limit are those of
sbatch's own environment variables (SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT).
"""

from __future__ import annotations

import pickle
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from types import TracebackType
from typing import Any

import submitit
from submitit.core.utils import FailedJobError

from harness.base.errors import UserError
from harness.base.notice import TELLING, Notice
from harness.execution.launcher import Began, Died, Event, Recorded
from harness.execution.launchers.where import Where
from harness.search.job import Job

QUEUED = 64
"""Jobs in SLURM's queue at a time, if --workers does not say."""
POLL = 0.1
"""Seconds between two looks at the files of events."""
LAG = 10.0
"""Seconds after the end of a job in which a shared folder may still come to show what it wrote."""


@dataclass
class _Running:
    """A run in a job. read: bytes of its events so far. ended: since when the job is known to be over."""

    job: submitit.Job[None]
    events: Path
    read: int = 0
    ended: float | None = None


class Slurm:
    """Runs as jobs of SLURM.

    cpus: of each run. plugins: a folder of further plug-ins. results: where the data sets are, and checkpoints go.
    folder: for jobs and their events; what an earlier launch has left in it is deleted, and ends the jobs that it has
    left. All folders must be seen by every node. kind: of executor; another starts processes in another way.

    Raises:
        UserError: there is no sbatch, or a run is to have a share of a CPU or GPU.
    """

    def __init__(
        self, where: Where, cpus: float, plugins: Path | None, results: Path, folder: Path,
        kind: type[submitit.Executor] = submitit.SlurmExecutor,
    ) -> None:  # fmt: skip
        for option, amount in {"--cpus": cpus, "--gpus": where.gpus}.items():
            if amount != int(amount):
                raise UserError(f"{option} {amount:g}: SLURM gives whole ones; accepted: {int(amount) + 1}")
        if kind is submitit.SlurmExecutor and shutil.which("sbatch") is None:
            raise UserError("--launcher slurm: there is no sbatch on this machine; accepted: a login node of SLURM")
        self._cpus, self._gpus, self._most, self._kind = int(cpus), int(where.gpus), where.workers or QUEUED, kind
        self._plugins, self._results = plugins and plugins.resolve(), results.resolve()
        self._left, self._folder = folder.resolve(), folder.resolve() / uuid.uuid4().hex
        self._live: dict[str, _Running] = {}

    def __enter__(self) -> Slurm:
        shutil.rmtree(self._left, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)
        self._executor = self._kind(folder=self._folder)
        if self._kind is submitit.SlurmExecutor:  # submitit limits the time to 5 minutes, if it is not told otherwise
            asked = {"cpus_per_task": self._cpus, "gpus_per_node": self._gpus or None, "time": None}
            self._executor.update_parameters(job_name="multiepoch", **asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._live.values():
            running.job.cancel(check=False)
        shutil.rmtree(self._left, ignore_errors=True)

    @property
    def free(self) -> int:
        return self._most - len(self._live)

    def submit(self, job: Job, records_held: int) -> None:
        events = self._folder / f"{job.key}-{uuid.uuid4().hex}.events"
        try:
            submitted = self._executor.submit(_train, job, records_held, self._plugins, self._results, events)
        except (FailedJobError, CalledProcessError) as error:
            problem = " ".join(str(error).split())
            raise UserError(f"sbatch refuses a run with --cpus {self._cpus} --gpus {self._gpus}: {problem}") from error
        self._live[job.key] = _Running(submitted, events)

    def pause(self) -> None:
        """By SIGTERM; SLURM kills what has not ended after the `KillWait` of slurm.conf, 30 seconds if it has none."""
        for running in self._live.values():
            running.job.cancel(check=False)
            if not running.events.exists():
                running.ended = time.monotonic() - LAG

    def events(self, timeout: float) -> Iterator[Event]:
        until = time.monotonic() + timeout
        while not (found := [event for key in list(self._live) for event in self._new(key)]):
            if time.monotonic() >= until:
                return
            time.sleep(POLL)
        yield from found

    def _new(self, key: str) -> list[Event]:
        """What a run reported since the last look."""
        running = self._live[key]
        if running.ended is None and running.job.done():
            running.ended = time.monotonic()
        found = list(_read(running))
        if not found and running.ended is not None and time.monotonic() >= running.ended + LAG:
            found = [Died(key, f"job {running.job.job_id} ended as {running.job.state}: {_last_line(running.job)}")]
        if found and not isinstance(found[-1], Began | Recorded):
            del self._live[key]
        return found


def _train(job: Job, records_held: int, plugins: Path | None, results: Path, events: Path) -> None:
    """What a job does: train a run, and append its events to a file, as long as its folder is there.

    At a signal submitit would requeue the job as it was. Instead the run saves a checkpoint, the job ends, and the
    scheduler submits another.
    """
    from harness.execution.run_job import JobRunner

    notice = Notice()
    notice.heed(*TELLING, signal.SIGUSR2)
    for event in JobRunner(results, plugins, notice).run(job, records_held):
        content = pickle.dumps(event)
        with events.open("ab") as file:  # closed each time, so that other machines see it
            file.write(len(content).to_bytes(8) + content)


def _read(running: _Running) -> Iterator[Event]:
    """The events that are whole in a file, from where it was read to before."""
    try:
        content = running.events.read_bytes()[running.read :]
    except FileNotFoundError:
        return
    while len(content) >= 8 and len(content) >= (end := 8 + int.from_bytes(content[:8])):
        yield pickle.loads(content[8:end])
        content, running.read = content[end:], running.read + end


def _last_line(job: submitit.Job[Any]) -> str:
    """Of what a job wrote to its standard error."""
    lines = (job.stderr() or "").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote no error")
