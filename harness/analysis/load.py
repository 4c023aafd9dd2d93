"""A plan's arms with their runs, read back from disk and grouped by data set and model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis.groups import ArmRuns, Group
from harness.base.errors import UserError
from harness.experiment.plan import Plan
from harness.experiment.plan_file import plan_that_ran
from harness.metrics import curves
from harness.results.description import Description, kept
from harness.results.keys import Status
from harness.results.plan_results import Arm, PlanResult, read_plan_result
from harness.results.records import Run
from harness.results.run_reader import read
from harness.results.run_reader import seconds as seconds_of

OF_FACTS = "facts-"
"""Begins the name of a fact's plan."""


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


def load(results: Path, name: str) -> Comparison:
    """Read a plan and its runs.

    Raises:
        UserError: the plan was never run in this results folder, or by another version.
    """
    result = read_plan_result(results, name)
    plan = plan_that_ran(name, result.plan)
    spent = sum(seconds_of(results / "runs", key) for key in {key for arm in result.arms for key in arm.keys})
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
        raise UserError(f"no plan was ever run in results folder '{results}'; `multiepoch benchmark` runs one")
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
