"""A launcher that trains each run in a job of its own, which SLURM starts on a node that sees the same folders.

A job appends its events to a file, and the scheduler reads them there. Both carry one name, so that the next launch
finds the jobs that a killed one has left, and goes on with them.
"""

from __future__ import annotations

import pickle
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from harness.base.notice import TELLING, Notice
from harness.execution.launcher import Began, Died, Event, Recorded
from harness.search.job import Job

QUEUED = 64
"""Jobs in SLURM's queue at a time, if --workers does not say."""
POLL = 0.1
"""Seconds between two looks at the files of events."""
LAG = 10.0
"""Seconds after the end of a job in which a shared folder may still come to show what it wrote."""


class Jobs(Protocol):
    """As of `slurm_jobs.SlurmJobs`."""

    def submit(self, name: str, work: Callable[..., None], *arguments: object) -> None: ...
    def ended(self, name: str) -> str: ...
    def cancel(self, names: Iterable[str]) -> None: ...
    def last_line(self, name: str) -> str: ...


@dataclass
class _Running:
    """A run in a job. read: bytes of its events so far. how, ended: how the job came to its end, and when."""

    name: str
    events: Path
    read: int = 0
    how: str = ""
    ended: float | None = None


class Slurm:
    """Runs as jobs.

    plugins: a folder of further plug-ins. results: where the data sets are, and checkpoints go. folder: for the jobs of
    this plan, which is deleted at the end. Every node must see all folders. most: jobs at a time; None: `QUEUED`.
    """

    def __init__(self, jobs: Jobs, most: int | None, plugins: Path | None, results: Path, folder: Path) -> None:
        self._jobs, self._most, self._folder = jobs, most or QUEUED, folder.resolve()
        self._plugins, self._results = plugins and plugins.resolve(), results.resolve()
        self._live: dict[str, _Running] = {}
        self._left: dict[str, str] = {}
        """Of an earlier launch: key -> name of the job."""

    def __enter__(self) -> Slurm:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._left = {path.stem.split("-")[1]: path.stem for path in self._folder.glob("multiepoch-*-*.events")}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.cancel([*(running.name for running in self._live.values()), *self._left.values()])
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def free(self) -> int:
        return self._most - len(self._live)

    def submit(self, job: Job, records_held: int) -> None:
        name = self._left.pop(job.key, "")
        if not name or not self._goes_on(name):
            self._jobs.cancel([name])
            name = f"multiepoch-{job.key}-{uuid.uuid4().hex[:8]}"
            for old in self._folder.glob(f"multiepoch-{job.key}-*.events"):
                old.unlink()
            self._events(name).touch()
            self._jobs.submit(name, _train, job, records_held, self._plugins, self._results, self._events(name))
        self._live[job.key] = _Running(name, self._events(name))

    def pause(self) -> None:
        self._jobs.cancel(running.name for running in self._live.values())
        for running in self._live.values():
            if running.events.stat().st_size == 0:
                running.how, running.ended = "CANCELLED", time.monotonic() - LAG

    def events(self, timeout: float) -> Iterator[Event]:
        until = time.monotonic() + timeout
        while not (found := [event for key in list(self._live) for event in self._new(key)]):
            if time.monotonic() >= until:
                return
            time.sleep(POLL)
        yield from found

    def _events(self, name: str) -> Path:
        return self._folder / f"{name}.events"

    def _goes_on(self, name: str) -> bool:
        """Whether a job of an earlier launch waits, or has reported what this version can read."""
        try:
            return bool(list(_read(_Running(name, self._events(name))))) or not self._jobs.ended(name)
        except Exception:  # pickle raises whatever the events of another version lead to
            return False

    def _new(self, key: str) -> list[Event]:
        """What a run reported since the last look."""
        running = self._live[key]
        if running.ended is None and (how := self._jobs.ended(running.name)):
            running.how, running.ended = how, time.monotonic()
        found = list(_read(running))
        if not found and running.ended is not None and time.monotonic() >= running.ended + LAG:
            found = [Died(key, f"its job ended as {running.how}: {self._jobs.last_line(running.name)}")]
        if found and not isinstance(found[-1], Began | Recorded):
            del self._live[key]
        return found


def _train(job: Job, records_held: int, plugins: Path | None, results: Path, events: Path) -> None:
    """What a job does: train a run, and append its events to a file, as long as the file is there.

    At a signal submitit would requeue the job as it was. Instead the run saves a checkpoint, the job ends, and the
    scheduler submits another.

    Raises:
        RuntimeError: SLURM has started the job before. The scheduler, which reads that it failed, submits another.
    """
    from harness.execution.run_job import JobRunner

    notice = Notice()
    notice.heed(*TELLING, signal.SIGUSR2)
    if events.stat().st_size:
        raise RuntimeError("this job was started again: its run goes on in another")
    for event in JobRunner(results, plugins, notice).run(job, records_held):
        content = pickle.dumps(event)
        with events.open("r+b") as file:  # closed each time, so that other machines see it
            file.seek(0, 2)
            file.write(len(content).to_bytes(8) + content)


def _read(running: _Running) -> Iterator[Event]:
    """The events that are whole in a file, from where it was read to before."""
    with running.events.open("rb") as file:
        file.seek(running.read)
        content = file.read()
    while len(content) >= 8 and len(content) >= (end := 8 + int.from_bytes(content[:8])):
        yield pickle.loads(content[8:end])
        content, running.read = content[end:], running.read + end
