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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.base.digests import digest_of
from harness.base.errors import UserError
from harness.results.keys import MetricKey, Status
from harness.results.records import Record, Run, mean_over_windows


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


def held(runs: Path, key: str) -> int:
    """How many records, from the first on, the folder of a run holds; 0 if it is missing or damaged."""
    try:
        run = read(runs, key)
    except UserError:
        return 0
    return len(run.windows or run.records)


def seconds(runs: Path, key: str) -> float:
    """Seconds of training and evaluation that a run has taken so far; 0 if their file is damaged."""
    try:
        return float(sum(line.get("train_s", 0) + line.get("eval_s", 0) for line in lines(runs / key / "costs.jsonl")))
    except (OSError, ValueError, TypeError, AttributeError):
        return 0.0


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
        folder=folder.absolute(),
    )


def _env(path: Path) -> dict[str, Any]:
    """Raises:
    ValueError, TypeError: it holds something else.
    """
    env = json.loads(path.read_text())
    if not isinstance(env, dict) or not all(isinstance(each, dict) for each in env.get("before", ())):
        raise ValueError(f"{path.name} holds no environment")
    return env


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
