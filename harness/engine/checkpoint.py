"""The state of a run between two epochs, on disk, so that a run that was killed continues from there."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from harness.base.digests import digest_of

EVERY = 60.0
"""Seconds between checkpoints, at least: it costs less to repeat a shorter run than to save it."""


class Checkpoints:
    """Those of one run, in a folder of their own, of which only the latest is kept. Its name holds its digest."""

    epoch: int
    """The epoch after which the latest was taken; 0: there is none that can be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = {int(path.stem.split("-")[1]): path for path in folder.glob("checkpoint-*-*.pt")}
        self.epoch = max(found, default=0)
        self._path = found.get(self.epoch)
        self._next = time.monotonic() + EVERY
        self._state: dict[str, Any] | None = None
        if self._path is not None:
            try:
                if digest_of(self._path) != self._path.stem.split("-")[2]:
                    raise ValueError("it is not what was once written")
                self._state = torch.load(self._path, weights_only=True)
            except Exception:  # torch raises whatever a damaged file leads to
                self.drop()

    def take(self) -> dict[str, Any]:
        """The state that was read. It is handed out once, since it is as large as the tables."""
        state, self._state = self._state, None
        assert state is not None
        return state

    def drop(self) -> None:
        """Discard the checkpoint, so that the run starts at its first epoch."""
        self.clear()
        self.epoch, self._state = 0, None

    def due(self) -> bool:
        return time.monotonic() >= self._next

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write under another name, then rename. If the disk is full, the run continues without a checkpoint.

        Saving takes at most a twentieth of the time, however large the table is.
        """
        start, partial = time.monotonic(), self._folder / "checkpoint.partial"
        with suppress(OSError, RuntimeError):  # torch raises RuntimeError for a full disk
            self._folder.mkdir(parents=True, exist_ok=True)
            torch.save(state, partial)
            path = self._folder / f"checkpoint-{epoch}-{digest_of(partial)}.pt"
            partial.rename(path)
            self.clear()
            self.epoch, self._path = epoch, path
        partial.unlink(missing_ok=True)
        self._next = time.monotonic() + max(EVERY, 20 * (time.monotonic() - start))

    def clear(self) -> None:
        """Delete the checkpoint, if there is one."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
