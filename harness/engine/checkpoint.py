"""The state of a run between two steps, on disk, so that a run that was killed or told to end goes on from there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from harness.base.digests import digest_of
from harness.base.files import on_disk

State = dict[str, Any]
FORM = 1
"""Of what is saved: another number once a checkpoint of before would be read as something else, or not at all."""
EVERY = 60.0
"""Seconds between checkpoints, at least: it costs less to repeat a shorter run than to save it."""


class Interrupted(Exception):
    """A run was told to end, and goes on from its checkpoint the next time."""


class Checkpoints:
    """Those of one run, in a folder of their own, of which only the latest is kept. Its name holds its digest.

    told: whether the run is to save a checkpoint and end as soon as it can.
    """

    records: int
    """How many records the run has yielded: at first those before the latest checkpoint; 0: there is none."""
    part: int
    """The part of the run that trains: at first that of the latest checkpoint; 0: there is none."""
    unused: str
    """Why a checkpoint that is there is not used; empty: it is, or there is none."""
    trained_on: tuple[dict[str, Any], ...]
    """The environments that the run was trained in, one after the other: at first those up to the latest checkpoint."""
    _state: State | None

    def __init__(self, folder: Path, told: Callable[[], bool] = lambda: False) -> None:
        self._folder, self._told = folder, told
        self.records, self.part, self.unused, self._number = 0, 0, "", 0
        self.trained_on, self._state = (), None
        self._next = time.monotonic() + EVERY
        for partial in folder.glob("*.partial"):  # of a process that was killed
            partial.unlink(missing_ok=True)
        if found := {int(path.stem.split("-")[1]): path for path in folder.glob("checkpoint-*-*-*.pt")}:
            self._number = max(found)
            self._read(found[self._number])

    def go_on_in(self, environment: dict[str, Any]) -> None:
        """Training goes on, or begins, in this environment."""
        if self.trained_on[-1:] != (environment,):
            self.trained_on = (*self.trained_on, environment)

    def take(self) -> State:
        """The state that was read. It is handed out once, since it is as large as the tables."""
        state, self._state = self._state, None
        assert state is not None
        return state

    def drop(self, why: str) -> None:
        """Discard the checkpoint, so that the run starts at its beginning."""
        self._clear()
        self.records, self.part, self.unused, self._state = 0, 0, why, None
        self.trained_on = ()

    def due(self) -> bool:
        """To be asked after every step."""
        return self._told() or time.monotonic() >= self._next

    def save(self, state: State) -> None:
        """Write under another name, then rename. If the disk is full, the run continues without a checkpoint.

        Saving takes at most a twentieth of the time, however large the table is.

        Raises:
            Interrupted: the run was told to end.
        """
        told, start = self._told(), time.monotonic()
        partial = self._folder / f"{uuid.uuid4().hex}.partial"
        with suppress(OSError, RuntimeError):  # torch raises RuntimeError for a full disk
            self._folder.mkdir(parents=True, exist_ok=True)
            about = {"form": FORM, "part": self.part, "trained_on": self.trained_on}
            torch.save({**about, "state": state}, partial)
            on_disk(partial)
            name = f"checkpoint-{self._number + 1}-{self.records}-{digest_of(partial)}.pt"
            partial.rename(self._folder / name)
            self._number += 1
            self._clear(but=name)
        partial.unlink(missing_ok=True)
        self._next = time.monotonic() + max(EVERY, 20 * (time.monotonic() - start))
        if told:
            raise Interrupted

    def _read(self, path: Path) -> None:
        _, _, records, digest = path.stem.split("-")
        try:
            if digest_of(path) != digest:
                raise ValueError("it is not what was once written")
            held = torch.load(path, weights_only=True)
            if (form := held.get("form", 0)) != FORM:
                version = "an earlier" if form < FORM else "a later"
                self.drop(f"it was written by {version} version of multiepoch, in another form")
                return
            self.part, self.trained_on, self._state = held["part"], held["trained_on"], held["state"]
            self.records = int(records)
        except Exception as error:  # torch raises whatever a damaged file leads to
            self.drop(f"it is damaged: {str(error).partition(chr(10))[0]}")

    def _clear(self, but: str = "") -> None:
        """Delete what there is, but for the one of this name."""
        for path in self._folder.glob("checkpoint-*.pt"):
            if path.name != but:
                path.unlink(missing_ok=True)
