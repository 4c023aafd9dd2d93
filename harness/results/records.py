"""What a run leaves on disk, read back: one folder per key, complete once `done` is there.

results/runs/<key>/spec.json       what was asked for
                   records.jsonl   one line per evaluation; the same bits whenever the key is the same
                   costs.jsonl     per epoch: seconds, rows per second, memory
                   influences-<epoch>.npz  of test examples, where `evaluation.test_error` asks for them
                   env.json        machine and versions, host, and who launched it; under `before` the environments
                                   that trained it until it was resumed in this one, if any
                   done            {"status": "finished" | "failed", "reason": ..., "digests": of spec and records}
                   crash           {"reason": ...}, if the last attempt ended without reaching `done`
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import fmean
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
    window: int = 0
    """Of a continual run: the window trained on, from 1; epoch, step and position are counted in it. 0: of no such."""


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
    windows: tuple[Record, ...] = ()
    """Of a continual run: what was recorded, window by window, of which `records` are the means."""

    @property
    def environments(self) -> tuple[dict[str, Any], ...]:
        """The environments that trained it, one after the other; several if it was resumed elsewhere."""
        last = {name: value for name, value in self.env.items() if name != "before"}
        return (*self.env.get("before", ()), last)

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


def influence(folder: Path, epoch: int, name: str) -> Influence | None:
    """Of each test example or group on `test/<metric>/<task>` at the end of an epoch; None: not kept.

    Raises:
        UserError: the file is not what was once written.
    """
    path = influences_file(folder, epoch)
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            found: Influence | None = arrays.get(name)
            return found
    except (EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"'{path}' is damaged: {error}; delete its folder and run the plan again") from error


def influences_file(folder: Path, epoch: int) -> Path:
    return folder / f"influences-{epoch}.npz"


def held(runs: Path, key: str) -> int:
    """How many records, from the first on, the folder of a run holds; 0 if it is missing or damaged."""
    try:
        run = read(runs, key)
    except UserError:
        return 0
    return len(run.windows or run.records)


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
    costs: dict[tuple[int, int], dict[str, float]] = {}
    for line in lines(folder / "costs.jsonl"):
        costs.setdefault((line.pop("window", 0), line.pop("epoch")), {}).update(line)
    found = (_record(**line) for line in lines(folder / "records.jsonl"))
    records = tuple(dataclasses.replace(r, cost=costs.get((r.window, r.epoch), {})) if r.boundary else r for r in found)
    continual = bool(records) and records[0].window > 0
    return Run(
        key=folder.name,
        spec=json.loads((folder / "spec.json").read_text()),
        records=mean_over_windows(records) if continual else records,
        windows=records if continual else (),
        status=Status(done["status"]),
        reason=done.get("reason", ""),
        env=_env(folder / "env.json"),
        folder=folder,
    )


def _env(path: Path) -> dict[str, Any]:
    """Raises:
    ValueError, TypeError: it holds something else.
    """
    env = json.loads(path.read_text())
    if not isinstance(env, dict) or not all(isinstance(each, dict) for each in env.get("before", ())):
        raise ValueError(f"{path.name} holds no environment")
    return env


def mean_over_windows(records: Sequence[Record]) -> tuple[Record, ...]:
    """The mean of every evaluation over the windows: of the end of an epoch, and of each place in it that all have."""
    evaluated: dict[int, dict[int, list[Record]]] = {}
    for record in records:
        evaluated.setdefault(record.epoch, {}).setdefault(record.window, []).append(record)
    found = []
    for by_window in evaluated.values():
        whole = [several for several in by_window.values() if several[-1].boundary]
        if len({len(several) for several in whole}) > 1:  # a window of few batches has fewer places
            whole = [several[-1:] for several in whole]
        found += [_mean(several) for several in zip(*whole, strict=True)]
    return tuple(found)


def _mean(records: Sequence[Record]) -> Record:
    """Of what each records, the mean of those that do."""
    metrics, cost = (
        {name: fmean(each[name] for each in several if name in each) for name in dict.fromkeys(chain(*several))}
        for several in ([r.metrics for r in records], [r.cost for r in records])
    )
    step, position = round(fmean(r.step for r in records)), fmean(r.position for r in records)
    return Record(records[0].epoch, step, position, records[0].boundary, metrics, cost)


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
