"""A plan's arms with their runs, read back from disk and grouped by data set and model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from harness.analysis.always_valid import LARGE, SPREAD
from harness.base.errors import UserError
from harness.experiment.plan import Plan
from harness.experiment.plan_file import plan_that_ran
from harness.metrics import curves
from harness.results.description import Description, kept
from harness.results.findings import Finding
from harness.results.keys import ArmRole, Status
from harness.results.plan_results import PLAIN, Arm, PlanResult, read_plan_result
from harness.results.records import Run, read
from harness.results.records import seconds as seconds_of

OF_FACTS = "facts-"
"""Begins the name of a fact's plan."""

FEW_STEPS = 200
"""Optimiser steps in an epoch below which one epoch can hardly converge."""


@dataclass(frozen=True)
class ArmRuns:
    """An arm and what each of its seeds came to.

    runs: every expected seed; status `missing`: nothing on disk. failed_trials: number -> run of what the search lost.
    complete: nothing of the plan is still to come.
    """

    arm: Arm
    runs: dict[int, Run]
    failed_trials: dict[int, Run]
    complete: bool

    @property
    def is_baseline(self) -> bool:
        return self.arm.role == ArmRole.ONE_EPOCH

    @property
    def stopped(self) -> bool:
        """Whether what its runs showed decided how many there are."""
        return bool(self.arm.settled)

    @property
    def label(self) -> str:
        return "one epoch" if self.is_baseline else self.arm.strategy

    @cached_property
    def finished(self) -> dict[int, Run]:
        """The runs that statistics are made of."""
        return {seed: run for seed, run in self.runs.items() if run.status == Status.FINISHED}

    @cached_property
    def failed(self) -> tuple[int, ...]:
        """Seeds that came to no value: they diverged, or crashed."""
        lost = {run.status for run in self.runs.values()} - {Status.FINISHED} if self.complete else {Status.FAILED}
        return tuple(seed for seed, run in self.runs.items() if run.status in lost)

    @property
    def first_epoch(self) -> int | None:
        """Its optimiser steps; None: no run ended it."""
        return next((run.boundaries[0].step for run in self.finished.values() if run.boundaries), None)

    @property
    def completeness(self) -> str:
        done, expected = len(self.finished), len(self.runs)
        return seeds(done) if done == expected else f"{done} of {seeds(expected)}"


@dataclass(frozen=True)
class Group:
    """The arms that are compared with each other: one data set, one model.

    task, metric: what the plan selects and ranks by. baseline: the one-epoch reference, which is not among `arms`.
    pending: strategies of the plan that have no result yet. findings: what in the data set would mislead. stopped:
    whether what the runs showed decided how many there are, of every arm; in a race arms say so themselves.
    """

    dataset: str
    model: str
    task: str
    metric: str
    tasks: tuple[str, ...]
    arms: tuple[ArmRuns, ...]
    baseline: ArmRuns | None
    pending: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    stopped: bool = False

    @property
    def name(self) -> str:
        return f"{self.dataset} / {self.model}"

    @property
    def everything(self) -> tuple[ArmRuns, ...]:
        """The arms, then the baseline."""
        return self.arms if self.baseline is None else (*self.arms, self.baseline)

    @property
    def plain(self) -> ArmRuns | None:
        return next((a for a in self.arms if a.arm.strategy == PLAIN), None)

    @property
    def spread(self) -> float:
        """Of its always-valid intervals."""
        return SPREAD if self.stopped else LARGE

    @cached_property
    def split(self) -> str:
        """Where reported values are read: `test`, or `valid` in a plan that never reads test."""
        ends = (end for a in self.everything for run in a.finished.values() for end in run.boundaries)
        return "test" if any(key.split == "test" for end in ends for key in end.metrics) else "valid"

    @cached_property
    def clock(self) -> str:
        """What ends the names of the costs that count: `_cpu_s` where all runs trained on processors and know it."""
        runs = [run for arm in self.everything for run in arm.finished.values()]
        on_cpu = all(run.spec["train"].get("device", "cpu") == "cpu" for run in runs)
        known = all("train_cpu_s" in end.cost for run in runs for end in run.boundaries if end.cost)
        return "_cpu_s" if on_cpu and known else "_s"

    @cached_property
    def draws(self) -> int:
        """How many data sets the seeds were trained and tested on."""
        return self._distinct("dataset", "data_seed")

    @cached_property
    def data_seeds(self) -> int:
        """How many seeds these data sets were generated with."""
        return self._distinct("data_seed")

    def _distinct(self, *names: str) -> int:
        """How many values the finished runs have of these parts of their specs."""
        specs = (run.spec for arm in self.everything for run in arm.finished.values())
        return len({json.dumps([spec.get(name) for name in names], sort_keys=True) for spec in specs})

    @cached_property
    def epochs(self) -> int:
        return max((len(r.boundaries) for a in self.arms for r in a.finished.values()), default=0)


@dataclass(frozen=True)
class Comparison:
    """A plan with everything that was recorded for it. seconds: of training and evaluation, trials included.

    descriptions: of its data sets, as far as they were kept.
    """

    result: PlanResult
    plan: Plan
    groups: tuple[Group, ...]
    seconds: float = 0.0
    descriptions: tuple[Description, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every reporting run once; an untuned baseline shares the runs of `none`."""
        return tuple({r.key: r for g in self.groups for a in g.everything for r in a.runs.values()}.values())


def seeds(count: int) -> str:
    return f"{count} seed" if count == 1 else f"{count} seeds"


def load(results: Path, name: str) -> Comparison:
    """Read a plan and its runs.

    Raises:
        UserError: the plan was never run in this results folder, or by another version.
    """
    result = read_plan_result(results, name)
    plan = plan_that_ran(name, result.plan)
    keys = {key for arm in result.arms for key in (*arm.runs.values(), *(trial.key for trial in arm.trials))}
    spent = sum(seconds_of(results / "runs", key) for key in keys)
    found = ((label, kept(results, key)) for label, key in result.data.items())
    descriptions = tuple(replace(each, name=label) for label, each in found if each is not None)
    return Comparison(result, plan, groups(plan, result, results), spent, descriptions)


def groups(plan: Plan, result: PlanResult, results: Path) -> tuple[Group, ...]:
    """The arms of a plan with their runs, by data set and model."""
    members: dict[tuple[str, str], list[Arm]] = {}
    for arm in result.arms:
        members.setdefault((arm.dataset, arm.model), []).append(arm)
    return tuple(_group(plan, result, arms, results) for arms in members.values())


def plans(results: Path) -> list[str]:
    """Names of the plans that were run in a results folder; those of facts have a page of their own.

    Raises:
        UserError: there is none.
    """
    names = sorted(p.stem for p in (results / "plans").glob("*.json") if not p.stem.startswith(OF_FACTS))
    if not names:
        raise UserError(f"no plan was ever run in results folder '{results}'")
    return names


def _group(plan: Plan, result: PlanResult, members: list[Arm], results: Path) -> Group:
    runs = results / "runs"
    expected = () if plan.settling else plan.seeds
    arms = [ArmRuns(arm, _runs(runs, arm, expected), _failed_trials(runs, arm), result.complete) for arm in members]
    return Group(
        dataset=members[0].dataset,
        model=members[0].model,
        task=members[0].task,
        metric=plan.search.metric,
        tasks=_tasks(arms),
        arms=tuple(a for a in arms if not a.is_baseline),
        baseline=next((a for a in arms if a.is_baseline), None),
        pending=tuple(s for s in plan.strategies if s not in {a.strategy for a in members}),
        findings=result.findings.get(members[0].dataset, ()),
        stopped=plan.settling is not None and plan.draws,
    )


def _runs(folder: Path, arm: Arm, expected: Iterable[int]) -> dict[int, Run]:
    why = "every trial of the search failed" if arm.trials and not arm.runs else "not started"
    return {seed: _run(folder, arm.runs.get(seed, ""), why) for seed in sorted({*expected, *arm.runs})}


def _failed_trials(folder: Path, arm: Arm) -> dict[int, Run]:
    return {trial.number: _run(folder, trial.key, "") for trial in arm.trials if trial.value is None}


def _run(folder: Path, key: str, why: str) -> Run:
    """A run from disk; where there is none, a stand-in that says why."""
    try:
        if key:
            return read(folder, key)
    except UserError as error:
        why = str(error)
    return Run(key=key, spec={}, records=(), status=Status.MISSING, reason=why, env={})


def _tasks(arms: list[ArmRuns]) -> tuple[str, ...]:
    """Task names in the order of the data set."""
    for arm in arms:
        for run in arm.finished.values():
            return tuple(curves.tasks(run.boundaries[:1]))
    return ()
