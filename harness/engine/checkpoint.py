"""The state of a run between two epochs, on disk, so that a run that was killed continues from there."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

EVERY = 60.0
"""Seconds between checkpoints, at least: it costs less to repeat a shorter run than to save it."""


class Checkpoints:
    """Those of one run, in a folder of their own, of which only the latest is kept."""

    epoch: int
    """The epoch after which the latest was taken; 0: there is none that can be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.epoch = max((int(p.stem.removeprefix("checkpoint-")) for p in folder.glob("checkpoint-*.pt")), default=0)
        self._next = time.monotonic() + EVERY
        self._state: dict[str, Any] | None = None
        if self.epoch:
            try:
                self._state = torch.load(self._path(self.epoch), weights_only=True)
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
            partial.rename(self._path(epoch))
            self.clear()
            self.epoch = epoch
        partial.unlink(missing_ok=True)
        self._next = time.monotonic() + max(EVERY, 20 * (time.monotonic() - start))

    def clear(self) -> None:
        """Delete the checkpoint, if there is one."""
        self._path(self.epoch).unlink(missing_ok=True)

    def _path(self, epoch: int) -> Path:
        return self._folder / f"checkpoint-{epoch}.pt"
