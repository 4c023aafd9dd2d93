"""The folders of runs: each is written by the one process that has claimed the run."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.base.files import whole
from harness.base.locks import Lock, take
from harness.base.owner import owner
from harness.execution.launcher import Began, Done
from harness.results import run_reader
from harness.results.keys import Status
from harness.results.plan_results import state_file
from harness.results.records import Record, Run
from harness.results.run_writer import RunWriter, write_crash
from harness.search.job import Job


class RunFolders:
    """Those of one results folder. A context manager, which lets go of every claim on the way out."""

    def __init__(self, results: Path) -> None:
        self._results, self._runs = results, results / "runs"
        self._writers: dict[str, RunWriter] = {}
        self._claims: dict[str, Lock] = {}

    def __enter__(self) -> RunFolders:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._claims):
            self.release(key)

    def claim(self, key: str) -> bool:
        """Whether no other process trains a run, and none will until it is released."""
        if key not in self._claims and (lock := take(self._results, "run", key)) is not None:
            self._claims[key] = lock
            self._put_back(key)
        return key in self._claims

    def release(self, key: str, *, done: bool = False) -> None:
        self._claims.pop(key).release(over=done)

    def done(self, job: Job) -> Run | None:
        """A run that need not be trained; None: it must be, for its records or for the state that it is to keep."""
        run = run_reader.done(self._runs, job.key)
        lost = run is not None and run.status == Status.FINISHED and not state_file(self._results, job.key).exists()
        return None if lost and job.spec.train.keep else run

    def records_held(self, key: str) -> int:
        """How many records of a run are there."""
        return run_reader.held(self._runs, key)

    def begin(self, job: Job, began: Began) -> tuple[Record, ...]:
        """Open the folder of a run that begins to train. Returns the records that it keeps."""
        spec = job.spec.model_dump(mode="json")
        *before, now = began.environments
        env = {**now, "owner": owner()} | ({"before": before} if before else {})
        self._put_aside(job.key)
        writer = RunWriter(self._runs, job.key, spec, env, keep=began.kept)
        self._writers[job.key] = writer
        return writer.kept

    def append(self, key: str, record: Record) -> None:
        self._writers[key].append(record)

    def finish(self, done: Done) -> Run:
        """Close a run that came to its end, and read it back. Who trained it may be gone before its checkpoint is."""
        self._writers.pop(done.key).finish(done.status, done.reason)
        shutil.rmtree(self._results / "checkpoints" / done.key, ignore_errors=True)
        shutil.rmtree(self._aside(done.key), ignore_errors=True)
        run = run_reader.read(self._runs, done.key)
        self.release(done.key, done=True)
        return run

    def crash(self, job: Job, reason: str) -> Run:
        """Note why a run ended early. It counts as failed now, and is trained again the next time."""
        self._writers.pop(job.key, None)
        write_crash(self._runs, job.key, reason)
        self._put_back(job.key)
        self.release(job.key)
        return Run(job.key, job.spec.model_dump(mode="json"), (), Status.FAILED, reason, {})

    def _aside(self, key: str) -> Path:
        """Where a finished run lies while it is trained again, for the state that it is to keep."""
        return self._results / "checkpoints" / f"{key}.finished"

    def _put_aside(self, key: str) -> None:
        if (self._runs / key / "done").exists():
            with whole(self._aside(key)) as copy:
                shutil.copytree(self._runs / key, copy, dirs_exist_ok=True)
            (self._runs / key / "done").unlink()

    def _put_back(self, key: str) -> None:
        """After an attempt that did not come to its end."""
        if (aside := self._aside(key)).exists():
            if run_reader.done(self._runs, key) is None:
                shutil.rmtree(self._runs / key, ignore_errors=True)
                aside.rename(self._runs / key)
            shutil.rmtree(aside, ignore_errors=True)
