"""One process at a time runs a plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.base.errors import UserError
from harness.base.locks import take


@contextmanager
def locked(results: Path, plan: str, *, wait: bool = False) -> Iterator[None]:
    """No other process writes what a plan of a results folder came to. wait: until another is done.

    Raises:
        UserError: another process runs it, and this one is not to wait; or the folder cannot be written.
    """
    lock = take(results, "plan", plan, wait=wait)
    if lock is None:
        raise UserError(f"another multiepoch is running plan '{plan}' in results folder '{results}'; wait for it")
    with lock:
        yield
