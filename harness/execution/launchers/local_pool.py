"""A launcher that trains in processes of this machine, one run at a time in each.

Each worker has a pipe of its own: if it dies, only its run is lost and another worker takes its place. If the parent
dies, the worker ends too, even in the middle of a run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from types import TracebackType

from harness.base.notice import TELLING, Notice
from harness.execution.fork_server import forked, warm_up, without_main
from harness.execution.launcher import Began, Died, Event, Recorded
from harness.search.job import Job


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    key: str | None = None
    """Of the run that it trains; None while it is idle."""


class LocalPool:
    """`size` worker processes, started when they are first needed.

    plugins: a folder of further plug-ins. results: where the data sets are, and checkpoints go.
    """

    def __init__(self, size: int, plugins: Path | None, results: Path) -> None:
        self._size, self._plugins = size, plugins and plugins.absolute()  # workers may have another current folder
        self._results = results.absolute()
        self._workers: list[_Worker] = []

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.kill()
            worker.process.join()

    @property
    def free(self) -> int:
        return self._size - sum(w.key is not None for w in self._workers)

    def submit(self, job: Job, records_held: int) -> None:
        self._workers = [w for w in self._workers if w.key is not None or w.process.is_alive()]
        worker = next((w for w in self._workers if w.key is None), None) or self._spawn()
        worker.key = job.key
        with suppress(OSError):  # a worker that has just died is found by `events`
            worker.pipe.send((job, records_held))

    def pause(self) -> None:
        for worker in self._workers:
            if worker.key is not None:
                worker.process.terminate()

    def events(self, timeout: float) -> Iterator[Event]:
        busy = {w.pipe: w for w in self._workers if w.key is not None}
        for pipe in wait(list(busy), timeout):
            assert isinstance(pipe, Connection)
            event = self._receive(busy[pipe], pipe)
            if not isinstance(event, Began | Recorded):
                busy[pipe].key = None
            yield event

    def _receive(self, worker: _Worker, pipe: Connection) -> Event:
        assert worker.key is not None
        try:
            event: Event = pipe.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of a message, or with one to read
            worker.process.join()
            self._workers.remove(worker)
            status = worker.process.exitcode
            return Died(worker.key, f"the training process died with exit status {status} (out of memory?)")
        return event

    def _spawn(self) -> _Worker:
        warm_up()
        get = multiprocessing.get_context
        context: ForkServerContext | SpawnContext = get("forkserver") if forked() else get("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._plugins, self._results), daemon=True)
        with without_main():
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]


def _work(pipe: Connection, plugins: Path | None, results: Path) -> None:
    """What a worker process does: train the runs that come through the pipe until it is closed."""
    from harness.execution.run_job import JobRunner  # with torch, which the process that launches does not wait for

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    notice = Notice()
    notice.heed(*TELLING)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TELLING)  # which the server that it is forked from blocks
    Thread(target=_end_with_parent, daemon=True).start()
    runner = JobRunner(results, plugins, notice)
    with suppress(ConnectionError, EOFError):
        while True:
            job, records_held = pipe.recv()
            for event in runner.run(job, records_held):
                pipe.send(event)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
