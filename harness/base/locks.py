"""Who writes what in a results folder in which several processes work: each thing has one writer at a time.

    plan-<name>     plans/<name>.json, launches/<name>.json, and what a tracker shows of the plan
    run-<key>       runs/<key>/, checkpoints/<key>/ and states/<key>.pt
    data-<key>      data/<key>/
    search-<digest> the trials of a study
    report          report.html, report-<plan>.html and report/
    mlflow          mlflow.db, while it is made
    store           store, while it is made

Everything else is whole when its name appears, and the same whoever writes it. A lock goes with the process that holds
it, however that ends. Runs and searches are taken if they are free and never waited for; who waits for another lock
holds none, so that nobody waits in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from harness.base.files import ensure_writable

Kind = Literal["plan", "run", "data", "search", "report", "mlflow", "store"]


class Lock:
    """A lock that this process holds until it lets go; a context manager, which does so on the way out."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self, *, over: bool = False) -> None:
        """Let go. over: nobody will write here again, so that the file of the lock is not needed any more."""
        if over:
            Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()


def take(results: Path, kind: Kind, name: str = "", *, wait: bool = False) -> Lock | None:
    """Hold a lock of a results folder from now on; None: another process does. wait: until that one is done.

    Raises:
        UserError: the folder cannot be written.
    """
    ensure_writable(results)
    path = results / ".locks" / f"{kind}-{name}".rstrip("-")
    path.parent.mkdir(exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=wait)
    except Timeout:
        return None
    return Lock(lock)


@contextmanager
def waited(results: Path, kind: Kind, name: str = "", say: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold a lock inside; `say` is called if another process has it, and is waited for.

    Raises:
        UserError: the folder cannot be written.
    """
    lock = take(results, kind, name)
    if lock is None:
        say()
        lock = take(results, kind, name, wait=True)
    assert lock is not None
    with lock:
        yield
