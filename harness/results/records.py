"""What a run leaves on disk: one folder per key, appended while it trains, complete once `done` is there.

results/runs/<key>/spec.json       what was asked for
                   records.jsonl   one line per evaluation; the same bits whenever the key is the same
                   costs.jsonl     per epoch: seconds, rows per second, memory
                   env.json        machine and versions
                   done            {"status": "finished" | "failed", "reason": ...}
                   crash           {"reason": ...}, where its last attempt ended without coming to `done`
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.base.errors import UserError
from harness.results.keys import MetricKey, Status


@dataclass(frozen=True)
class Record:
    """One evaluation.

    epoch: the epoch being trained, from 1. step: optimiser steps so far. position: epochs trained, 1.25 being a
    quarter into the second. boundary: the end of an epoch, where the full splits are evaluated.
    metrics: the subsample of valid at every evaluation, everything else at boundaries alone.
    """

    epoch: int
    step: int
    position: float
    boundary: bool
    metrics: dict[MetricKey, float]
    cost: dict[str, float] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Run:
    """A run read back from disk."""

    key: str
    spec: dict[str, Any]
    records: tuple[Record, ...]
    status: Status
    reason: str
    env: dict[str, Any]

    @property
    def boundaries(self) -> tuple[Record, ...]:
        """The end-of-epoch evaluations, in order of epoch."""
        return tuple(r for r in self.records if r.boundary)


class RunWriter:
    """Writes one run. What a killed run left is deleted, but for its records up to epoch `keep`: those are `kept`."""

    def __init__(self, runs: Path, key: str, spec: dict[str, Any], env: dict[str, Any], keep: int = 0) -> None:
        self.folder = runs / key
        if keep:
            for name in ("records.jsonl", "costs.jsonl"):
                _replace(self.folder / name, (line for line in _lines(self.folder / name) if line["epoch"] <= keep))
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        (self.folder / "crash").unlink(missing_ok=True)
        write(self.folder / "spec.json", spec)
        write(self.folder / "env.json", env)
        self.kept = read(runs, key).records

    def append(self, record: Record) -> None:
        line = vars(record).copy()
        cost = line.pop("cost")
        line["metrics"] = {str(key): value for key, value in record.metrics.items()}
        _append(self.folder / "records.jsonl", line)
        if cost:
            _append(self.folder / "costs.jsonl", {"epoch": record.epoch, **cost})

    def finish(self, status: Status, reason: str = "") -> None:
        write(self.folder / "done", {"status": status, "reason": reason})


def crashed(runs: Path, key: str, reason: str) -> None:
    """Note why a run ended without coming to its end; it is trained again by the next launch."""
    (runs / key).mkdir(parents=True, exist_ok=True)
    write(runs / key / "crash", {"reason": reason})


def add_cost(runs: Path, key: str, epoch: int, cost: Mapping[str, float]) -> None:
    """Add to the costs of an epoch what the writer of the run cannot know."""
    _append(runs / key / "costs.jsonl", {"epoch": epoch, **cost})


def done(runs: Path, key: str) -> Run | None:
    """A run that finished or failed; None: it is not there, under way or damaged, and so still to be trained."""
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
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"run '{folder}' is damaged: {error}; run its plan again, which trains it anew") from error
    return run


def _read(folder: Path) -> Run:
    done = {"status": Status.INCOMPLETE, "reason": _crash(folder)}
    if (folder / "done").exists():
        done = json.loads((folder / "done").read_text())
    costs: dict[int, dict[str, float]] = {}
    for line in _lines(folder / "costs.jsonl"):
        costs.setdefault(line.pop("epoch"), {}).update(line)
    records = (_record(**line) for line in _lines(folder / "records.jsonl"))
    return Run(
        key=folder.name,
        spec=json.loads((folder / "spec.json").read_text()),
        records=tuple(dataclasses.replace(r, cost=costs.get(r.epoch, {})) if r.boundary else r for r in records),
        status=Status(done["status"]),
        reason=done.get("reason", ""),
        env=json.loads((folder / "env.json").read_text()),
    )


def _record(metrics: dict[str, float], **rest: Any) -> Record:
    return Record(metrics={MetricKey.parse(name): value for name, value in metrics.items()}, **rest)


def _crash(folder: Path) -> str:
    """Why the last attempt at a run crashed; empty if none did."""
    try:
        return str(json.loads((folder / "crash").read_text())["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def holds(runs: Path, key: str, epoch: int) -> bool:
    """Whether the records of a run under way are whole up to this epoch."""
    try:
        return [r.epoch for r in read(runs, key).boundaries][:epoch] == list(range(1, epoch + 1))
    except UserError:
        return False


def seconds(runs: Path, key: str) -> float:
    """What a run's training and evaluation took so far."""
    return float(sum(line.get("train_s", 0) + line.get("eval_s", 0) for line in _lines(runs / key / "costs.jsonl")))


def ensure_writable(folder: Path) -> None:
    """Make a results folder, or refuse it before any work.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"results folder '{folder}' cannot be written: {error.strerror}") from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)


def _append(path: Path, value: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(value) + "\n")


def _replace(path: Path, values: Iterable[dict[str, Any]]) -> None:
    _whole(path, "".join(json.dumps(value) + "\n" for value in values))


def write(path: Path, value: dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    _whole(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def _whole(path: Path, text: str) -> None:
    """Write under a temporary name, then rename."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)
