"""Worker processes that train one run at a time and send back its records as they are made.

Each worker hangs on a pipe of its own: if it dies, its job alone is lost and another worker takes its place. If the
parent dies, the worker dies with it, in the midst of a run: what is launched next may train the same one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Literal

from harness.data import indexed
from harness.data.build import data_folder
from harness.execution.run_job import execute
from harness.plugins.registry import Registry
from harness.search.arm import Job

Event = tuple[Literal["record", "done", "crashed", "died"], Job, Any]


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    job: Job | None = None


class Pool:
    """`size` processes; a context manager that ends them all on the way out."""

    def __init__(self, size: int, plugins: Path | None, results: Path) -> None:
        self._size, self._plugins, self._results = size, plugins, results
        self._workers: list[_Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
            worker.process.join()

    @property
    def free(self) -> int:
        """How many more jobs can start now."""
        return self._size - sum(w.job is not None for w in self._workers)

    def submit(self, job: Job) -> None:
        """Give a job to an idle worker, or to a new one."""
        self._workers = [w for w in self._workers if w.job is not None or w.process.is_alive()]
        worker = next((w for w in self._workers if w.job is None), None) or self._spawn()
        worker.job = job
        with suppress(OSError):  # one that has just died is an event
            worker.pipe.send(job)

    def events(self, timeout: float) -> Iterator[Event]:
        """What happened within `timeout` seconds: a record, a job's (status, reason), or why it crashed or died."""
        busy = {w.pipe: w for w in self._workers if w.job is not None}
        for pipe in wait(list(busy), timeout):
            assert isinstance(pipe, Connection)
            worker = busy[pipe]
            assert worker.job is not None
            try:
                kind, value = pipe.recv()
                job = worker.job
            except (EOFError, OSError):  # OSError: it died in the middle of a message, or with one to read
                worker.process.join()
                self._workers.remove(worker)
                kind, job = "died", worker.job
                value = f"the training process died with exit status {worker.process.exitcode} (out of memory?)"
            if kind != "record":
                worker.job = None
            yield kind, job, value

    def _spawn(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._plugins, self._results), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]


def _work(pipe: Connection, plugins: Path | None, results: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    registry = Registry(plugins)
    load = lru_cache(maxsize=2)(lambda key: indexed.load(data_folder(results, key)))
    try:
        while True:
            job: Job = pipe.recv()
            try:
                outcome = execute(
                    job.spec, job.key, load(job.data), registry, results, lambda r: pipe.send(("record", r))
                )
                pipe.send(("done", outcome))
            except (BrokenPipeError, EOFError):
                raise
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                place = f"{Path(last.filename).name}:{last.lineno}"
                why = " ".join(str(error).split())
                pipe.send(("crashed", f"{type(error).__name__} at {place}: {why}"))
    except (BrokenPipeError, EOFError):
        return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
