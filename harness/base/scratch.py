"""Temporary folders that go with their process, however it ends: what a killed one left, the next one clears away."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX, LOCK = "multiepoch-", ".lock"
YOUNG = 60.0
"""Seconds in which a folder may still be without the lock of its process."""


class Scratch(tempfile.TemporaryDirectory[str]):
    """A folder in the temporary folder, removed when it is let go of or the process ends. Its lock tells that somebody
    is there."""

    def __init__(self) -> None:
        _clear()
        super().__init__(prefix=PREFIX)
        self._lock = FileLock(Path(self.name) / LOCK, thread_local=False)
        self._lock.acquire()


def _clear() -> None:
    """Remove such folders whose process is gone; those of other users stay."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        lock = folder / LOCK
        with suppress(OSError, Timeout):
            if lock.is_file() and not folder.is_symlink() and time.time() - folder.stat().st_mtime >= YOUNG:
                with FileLock(lock).acquire(blocking=False):
                    shutil.rmtree(folder)
