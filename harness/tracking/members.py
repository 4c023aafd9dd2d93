"""What a tracker is told about the runs of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.results.keys import ArmId, RunRole
from harness.results.plan_results import PlanResult
from harness.search.job import Job


@dataclass(frozen=True)
class Member:
    """The part that a run has in a plan."""

    key: str
    arm: ArmId
    role: RunRole
    number: int
    """Of the trial, or the seed."""
    params: dict[str, Any]
    """The searched values."""
    page: str = ""
    """Of a trial, where Optuna's dashboard shows it."""


def member(job: Job) -> Member:
    return Member(job.key, job.arm, job.role, job.number, job.varying, job.page)


def members(result: PlanResult) -> Iterator[Member]:
    """Every run of a plan, trials first; a run may belong to two arms."""
    for arm in result.arms:
        for trial in arm.trials:
            yield Member(trial.key, arm.id, RunRole.TRIAL, trial.number, trial.params, trial.page)
        for turn, (seed, key) in enumerate(arm.runs.items()):
            yield Member(key, arm.id, RunRole.SEED, seed, arm.searched(turn))
