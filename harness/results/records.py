"""What a run leaves on disk, read back: one folder per key, complete once `done` is there.

results/runs/<key>/spec.json       what was asked for
                   records.jsonl   one line per evaluation; the same bits whenever the key is the same
                   costs.jsonl     per epoch: seconds, rows per second, memory
                   influences-<epoch>.npz  of test examples, where `evaluation.test_error` asks for them
                   env.json        machine and versions
                   done            {"status": "finished" | "failed", "reason": ..., "digests": of spec and records}
                   crash           {"reason": ...}, if the last attempt ended without reaching `done`
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.base.digests import digest_of
from harness.base.errors import UserError
from harness.results.keys import MetricKey, Status

Influence = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Record:
    """One evaluation."""

    epoch: int
    """The epoch being trained, from 1."""
    step: int
    """Optimiser steps so far."""
    position: float
    """Epochs trained so far; 1.25 is a quarter into the second."""
    boundary: bool
    """Whether this is the end of an epoch, where the full splits are evaluated."""
    metrics: dict[MetricKey, float]
    """On a subsample of valid at every evaluation; everything else at boundaries only."""
    cost: dict[str, float] = field(default_factory=dict, compare=False)
    """At boundaries: seconds, rows per second, memory of the epoch."""
    influences: dict[MetricKey, Influence] = field(default_factory=dict, compare=False, repr=False)
    """At boundaries, of a run that keeps them: how much each test example, or group of them, moves a metric. Read back
    by `influences` alone."""


@dataclass(frozen=True)
class Run:
    """A run read back from disk."""

    key: str
    spec: dict[str, Any]
    records: tuple[Record, ...]
    status: Status
    reason: str
    """Why it failed, or why its last attempt crashed; empty otherwise."""
    env: dict[str, Any]
    folder: Path | None = None
    """Where it was read."""

    @property
    def boundaries(self) -> tuple[Record, ...]:
        """The end-of-epoch evaluations, in order of epoch."""
        return tuple(r for r in self.records if r.boundary)


def done(runs: Path, key: str) -> Run | None:
    """A run that finished or failed; None if it is missing, incomplete or damaged, and so still to be trained."""
    try:
        run = read(runs, key)
    except UserError:
        return None
    return None if run.status == Status.INCOMPLETE else run


def read(runs: Path, key: str) -> Run:
    """Read one run back; a torn last line of a killed run is dropped.

    Raises:
        UserError: there is no such run, or its files are not what was once written.
    """
    folder = runs / key
    if not (folder / "spec.json").exists():
        raise UserError(_crash(folder) or f"no run '{key}' in {runs}")
    try:
        run = _read(folder)
        if run.status == Status.FINISHED and [r.epoch for r in run.boundaries][-1:] != [run.spec["train"]["epochs"]]:
            raise ValueError("it finished, but has no record of its last epoch")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"run '{folder}' is damaged: {error}; run its plan again, which trains it anew") from error
    return run


def influences(folder: Path, epoch: int) -> dict[str, Influence]:
    """`test/<metric>/<task>` -> influence of each test example or group at the end of an epoch; empty: not kept.

    Raises:
        UserError: the file is not what was once written.
    """
    path = influences_file(folder, epoch)
    if not path.exists():
        return {}
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"'{path}' is damaged: {error}; delete its folder and run the plan again") from error


def influences_file(folder: Path, epoch: int) -> Path:
    return folder / f"influences-{epoch}.npz"


def whole_epochs(runs: Path, key: str) -> int:
    """How many epochs, from the first on, the folder of a run holds completely; 0 if it is missing or damaged."""
    try:
        epochs = [r.epoch for r in read(runs, key).boundaries]
    except UserError:
        return 0
    return next((n for n, epoch in enumerate(epochs) if epoch != n + 1), len(epochs))


def seconds(runs: Path, key: str) -> float:
    """Seconds of training and evaluation that a run has taken so far."""
    return float(sum(line.get("train_s", 0) + line.get("eval_s", 0) for line in lines(runs / key / "costs.jsonl")))


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The values of a file of JSON lines but for a torn last one; none if there is no file."""
    if path.exists():
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)


def _read(folder: Path) -> Run:
    done = {"status": Status.INCOMPLETE, "reason": _crash(folder)}
    if (folder / "done").exists():
        done = json.loads((folder / "done").read_text())
        _check(folder, done.get("digests", {}))
    costs: dict[int, dict[str, float]] = {}
    for line in lines(folder / "costs.jsonl"):
        costs.setdefault(line.pop("epoch"), {}).update(line)
    records = (_record(**line) for line in lines(folder / "records.jsonl"))
    return Run(
        key=folder.name,
        spec=json.loads((folder / "spec.json").read_text()),
        records=tuple(dataclasses.replace(r, cost=costs.get(r.epoch, {})) if r.boundary else r for r in records),
        status=Status(done["status"]),
        reason=done.get("reason", ""),
        env=json.loads((folder / "env.json").read_text()),
        folder=folder,
    )


def _check(folder: Path, digests: dict[str, str]) -> None:
    """Raises:
    ValueError: a file is not what was there when the run ended.
    """
    for name, digest in digests.items():
        if digest_of(folder / name) != digest:
            raise ValueError(f"{name} is not what was once written")


def _record(metrics: dict[str, float], **rest: Any) -> Record:
    return Record(metrics={MetricKey.parse(name): value for name, value in metrics.items()}, **rest)


def _crash(folder: Path) -> str:
    """Why the last attempt at a run crashed; empty if none did."""
    try:
        return str(json.loads((folder / "crash").read_text())["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
