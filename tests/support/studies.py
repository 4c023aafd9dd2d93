"""An arm's study, and runs that finish it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna

from harness.execution.prepare import prepare
from harness.plugins.registry import Registry
from harness.results.keys import Status
from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.arm import ArmPlan
from harness.search.job import Job
from harness.search.procedure import procedure
from harness.search.storage import open_journal
from support.plans import PLAN, plan_of
from support.simulated import typed

PAGE = "http://here/r1"


def arm_of(folder: Path, results: Path, *overrides: str) -> ArmPlan:
    """The arm of `reinit`."""
    plan = plan_of(folder, PLAN, "search.trials=7", *overrides)
    return prepare(plan, Registry(), results)[1]


def run_of(job: Job) -> Run:
    """Two epochs of a run that peaks, at a height given by its knobs, in the first one if its seed is even."""
    height = 0.7 + 10 * job.spec.train.dense_lr - 5 * job.spec.train.table_lr
    second = height - 0.02 if job.spec.seed % 2 == 0 else height + 0.01
    records = []
    for epoch, value in enumerate((height, second), start=1):
        at = {"sample/auc/click": value, "sample/logloss/click": 1 - value}
        records.append(
            Record(epoch, 10 * epoch - 5, epoch - 0.5, False, typed(at | {"sample/logloss/click": 1.25 - value}))
        )
        full = {"valid/auc/click": value, "valid/logloss/click": 1 - value}
        records.append(Record(epoch, 10 * epoch, float(epoch), True, typed(at | full)))
    return Run(job.key, job.spec.model_dump(mode="json"), tuple(records), Status.FINISHED, "", {})


def _crashed(job: Job) -> Run:
    return replace(run_of(job), records=(), status=Status.FAILED, reason="out of disk")


def finish(arm: ArmPlan, crashing: int | None = None, stop_at: int | None = None) -> tuple[list[Arm], list[Job]]:
    """Drive an arm to its end; trial `crashing` comes to nothing, and at trial `stop_at` the process is killed."""
    jobs, asked, runs = procedure(arm), list[Job](), None
    try:
        while True:
            wanted = next(jobs) if runs is None else jobs.send(runs)
            assert not isinstance(wanted, Arm), "the plan leaves no number of repetitions open"
            asked += wanted
            if stop_at is not None and any((j.role, j.number) == ("trial", stop_at) for j in wanted):
                return [], asked
            runs = [_crashed(job) if (job.role, job.number) == ("trial", crashing) else run_of(job) for job in wanted]
    except StopIteration as end:
        return [end.value], asked


def study_of(results: Path) -> optuna.Study:
    storage = open_journal(results).storage
    (name,) = optuna.study.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)
