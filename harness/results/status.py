"""How far the plans of a results folder are, from its files alone, while they run or afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.base.errors import UserError, unknown
from harness.results.keys import RunRole, Status
from harness.results.launches import Launch, read_launch
from harness.results.plan_results import PlanResult, read_plan_result

COMPLETE, RUNNING, STOPPED = "complete", "running", "stopped"


@dataclass(frozen=True)
class Training:
    """A run that trains. at: how far it is, as `epoch 1.50`. since: seconds since 1970."""

    key: str
    name: str
    at: str
    owner: str
    host: str
    since: float


@dataclass(frozen=True)
class PlanStatus:
    """How far a plan is.

    state: `complete`, `running`, or `stopped` before it was complete. runs: how many it comes to at most. done: those
    that came to an end, the failed ones too. queued: those that nobody trains yet. left_s: seconds that these and the
    running ones take at the pace of the launch; None: nothing was trained yet, or nobody trains. problem: why what it
    came to cannot be read.
    """

    plan: str
    state: str
    runs: int = 0
    done: int = 0
    queued: int = 0
    running: tuple[Training, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    """Name of a run -> why."""
    owner: str = ""
    host: str = ""
    begun: float | None = None
    """When its last launch began; seconds since 1970."""
    left_s: float | None = None
    problem: str = ""


def statuses(results: Path, names: list[str] | None = None) -> list[PlanStatus]:
    """Of the plans named, or of all that were launched there.

    Raises:
        UserError: there is no such plan, or none.
    """
    known = sorted({path.stem for folder in ("plans", "launches") for path in (results / folder).glob("*.json")})
    if not known:
        raise UserError(f"no plan was run in results folder '{results}' yet; `multiepoch benchmark` runs one")
    for name in names or ():
        if name not in known:
            raise unknown("plan", name, known, f"results folder '{results}'")
    return [_status(results, name) for name in names or known]


def _status(results: Path, name: str) -> PlanStatus:
    (result, problem), launch = _came_to(results, name), read_launch(results, name)
    if launch is None:
        return _without_launch(results, name, result, problem)
    complete = result is not None and result.complete and _written(results, name) >= launch.begun
    running = tuple(_training(results, launch)) if launch.alive else ()
    over = complete and not running
    alive = launch.alive and not over
    done = launch.trained + launch.found
    runs = done if over else max(launch.runs, done + len(running))
    return PlanStatus(
        plan=name,
        state=RUNNING if alive else COMPLETE if complete else STOPPED,
        runs=runs,
        done=done,
        queued=runs - done - len(running),
        running=running,
        failed=launch.failed,
        owner=launch.owner,
        host=launch.host,
        begun=launch.begun,
        left_s=_seconds_for(runs - done, launch) if alive else None,
        problem=problem,
    )


def _came_to(results: Path, name: str) -> tuple[PlanResult | None, str]:
    """What a plan has come to, None if nothing yet; and why that cannot be read."""
    if not (results / "plans" / f"{name}.json").exists():
        return None, ""
    try:
        return read_plan_result(results, name), ""
    except UserError as error:
        return None, str(error)


def _written(results: Path, name: str) -> float:
    """When the result of a plan was; a launch that was killed early leaves that of the one before."""
    return (results / "plans" / f"{name}.json").stat().st_mtime


def _without_launch(results: Path, name: str, result: PlanResult | None, problem: str) -> PlanStatus:
    """Of a plan whose last launch left no trace, from the ends of its runs."""
    ends = dict(_ends(results, result)) if result else {}
    failed = {run: reason for run, reason in ends.items() if reason is not None}
    state = COMPLETE if result is not None and result.complete else STOPPED
    return PlanStatus(name, state, len(ends), len(ends), failed=failed, problem=problem)


def _seconds_for(runs: int, launch: Launch) -> float | None:
    """What so many runs take at the pace of a launch; None: it has trained none yet."""
    passed = launch.signed - launch.begun
    return runs * passed / launch.trained if launch.trained and passed > 0 else None


def _training(results: Path, launch: Launch) -> Iterator[Training]:
    for key, run in launch.running.items():
        env = _json(results / "runs" / key / "env.json")
        yield Training(key, run.name, run.at, launch.owner, env.get("host", launch.host), run.since)


def _ends(results: Path, result: PlanResult) -> Iterator[tuple[str, str | None]]:
    """Name of every run of a plan that came to an end, and why it failed, or None."""
    for arm in result.arms:
        runs = {(RunRole.TRIAL, trial.number): trial.key for trial in arm.trials}
        runs |= {(RunRole.SEED, seed): key for seed, key in arm.runs.items()}
        for (role, number), key in runs.items():
            end = _json(results / "runs" / key / "done") or _json(results / "runs" / key / "crash")
            if end:
                failed = end.get("status", Status.FAILED) == Status.FAILED
                yield f"{arm.id} {role} {number}", str(end.get("reason", "")) if failed else None


def _json(path: Path) -> dict[str, Any]:
    """What a file holds; nothing if it is missing or damaged."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
