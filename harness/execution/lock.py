"""One writer at a time in a results folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.base.errors import UserError
from harness.base.files import ensure_writable


@contextmanager
def locked(results: Path, *, wait: bool = False) -> Iterator[None]:
    """Only one process at a time writes to a results folder; its lock goes when it ends, in whatever way.

    wait: until the other is done, instead of refusing.

    Raises:
        UserError: another process has it, and this one is not to wait; or the folder cannot be written.
    """
    ensure_writable(results)
    try:
        lock = FileLock(results / ".lock").acquire(blocking=wait)
    except Timeout as error:
        raise UserError(f"another multiepoch is running in results folder '{results}'; wait for it") from error
    with lock:
        yield
