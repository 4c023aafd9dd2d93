"""One writer at a time in a results folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.base.errors import UserError
from harness.results import records


@contextmanager
def locked(results: Path, *, wait: bool = False) -> Iterator[None]:
    """One process at a time writes to a results folder; the lock goes with the process, however it ends.

    Raises:
        UserError: another has it, and this one is not to wait.
    """
    records.ensure_writable(results)
    with (results / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise UserError(f"another multiepoch is running in results folder '{results}'; wait for it") from error
        yield
