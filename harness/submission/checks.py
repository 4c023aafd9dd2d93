"""What can be told of a submission without running anything of it: each thing that is wrong, in a line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.base.digests import digest_of
from harness.base.errors import UserError
from harness.base.words import counted
from harness.experiment.keys import Versions, run_key
from harness.experiment.specs import RunSpec
from harness.plugins.registry import Registry
from harness.results.keys import ArmId, RunRole, Status
from harness.results.plan_results import Arm
from harness.results.records import Run
from harness.results.run_reader import read
from harness.search.arm import ArmPlan
from harness.search.procedure import came_to, value_of, with_plain
from harness.search.space import holds, written
from harness.submission.packed import ABOUT, Submission
from harness.submission.protocol import arms_of, departures, differences, judged_by
from harness.submission.reading import read_sources
from harness.submission.stated import as_now, expected, one_for_several, other_versions, with_keys


def problems(submission: Submission) -> list[str]:
    """What is wrong with a submission; of the checks, which build on each other, those of the first that fails."""
    checks = _Checks(submission)
    before_runs = (checks.files, checks.plan, checks.data, checks.arms, checks.sources, checks.spaces)
    for check in (*before_runs, checks.runs, checks.choices):
        try:
            found = list(check())
        except UserError as error:
            found = [submission.said(error)]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            found = [f"it holds what cannot be checked: {type(error).__name__}: {error}"]
        if found:
            return found
    return []


@dataclass
class _Checks:
    submission: Submission
    registry: Registry = field(default_factory=Registry)
    """With the strategies of the submission, once they are read."""
    planned: dict[ArmId, ArmPlan] = field(default_factory=dict)
    """What the arms are made of, once the plan is known to be the protocol's."""
    read: dict[str, Run] = field(default_factory=dict)
    """By key, what was read."""

    def files(self) -> Iterator[str]:
        """Whether every file is what was packed."""
        folder, packed = self.submission.folder, self.submission.about["files"]
        there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {ABOUT}
        for name in sorted(there ^ packed.keys()):
            yield f"{name} is {'missing' if name in packed else 'not of what was packed'}"
        for name in sorted(there & packed.keys()):
            if digest_of(folder / name) != packed[name]:
                yield f"{name} is not what was packed"

    def plan(self) -> Iterator[str]:
        """Whether it is the protocol's."""
        yield from departures(self.submission.plan, self.submission.about["track"])

    def data(self) -> Iterator[str]:
        """Whether its data sets are of the versions that come with this multiepoch."""
        planned, stated = arms_of(self.submission.plan, self.registry), self.submission.about["data"]
        for difference in other_versions(planned.values(), stated):
            yield f"its data sets are not the protocol's: {difference}"
        yield from one_for_several(planned.values(), stated)
        self.planned = {name: with_keys(arm, stated) for name, arm in planned.items()}

    def arms(self) -> Iterator[str]:
        """Whether every arm is there, once, with its seeds and trials."""
        plan, result = self.submission.plan, self.submission.result
        came = {arm.id: arm for arm in result.arms}
        for name in sorted(self.planned.keys() ^ came.keys()):
            yield f"{name} is {'missing' if name in self.planned else 'no arm of the plan'}"
        for name, times in Counter(arm.id for arm in result.arms).items():
            if times > 1:
                yield f"{name} is there {times} times; accepted: once"
        for name, arm in came.items():
            if (planned := self.planned.get(name)) is None:
                continue
            if lost := sorted(set(plan.seeds) ^ arm.runs.keys()):
                yield f"{name}: seed {lost[0]} is {'missing' if lost[0] in plan.seeds else 'not of the plan'}"
            asked = planned.plan.search.trials
            if [trial.number for trial in arm.trials] != list(range(asked)):
                yield f"{name}: its search has {counted(len(arm.trials), 'trial')}; accepted: {asked}, numbered from 0"

    def sources(self) -> Iterator[str]:
        """Whether the source of every strategy is there, and those of multiepoch are multiepoch's."""
        yield from read_sources(self.submission, self.registry)

    def spaces(self) -> Iterator[str]:
        """Whether each arm searched where the plan and its source say."""
        searched = self.submission.plan.search.trials > 0
        spaces = {str(name): written(arm.space()) for name, arm in self.planned.items()} if searched else {}
        for difference in differences(spaces, self.submission.about["spaces"]):
            yield f"another range was searched: {difference}"

    def runs(self) -> Iterator[str]:
        """Whether each run is of the spec, the data, the source and the versions that its key says, and has values."""
        wrong: dict[str, list[str]] = {}
        for arm in self.submission.result.arms:
            planned = self.planned[arm.id]
            for trial in arm.trials:
                about = (trial.key, trial.params, RunRole.TRIAL, trial.number, planned.plan.search.seed + trial.number)
                for problem in self._run(planned, *about):
                    wrong.setdefault(problem, []).append(f"{arm.id} trial {trial.number}")
            for turn, (seed, key) in enumerate(arm.runs.items()):
                for problem in self._run(planned, key, arm.searched(turn), RunRole.SEED, seed, seed):
                    wrong.setdefault(problem, []).append(f"{arm.id} seed {seed}")
        for problem, where in wrong.items():
            yield f"{where[0]}{f', and {len(where) - 1} more' if len(where) > 1 else ''}: {problem}"

    def choices(self) -> Iterator[str]:
        """Whether each search began and ended as the protocol says, given what its trials recorded."""
        for arm in self.submission.result.arms:
            planned = self.planned[arm.id]
            if arm.trials:
                values = {trial.number: value_of(self.read[trial.key], planned) for trial in arm.trials}
                yield from _trials(arm, planned, values)
            found = came_to(planned, arm.trials)
            if planned.plan.search.plain and arm.trials:
                found = with_plain(found, planned, self.submission.result.arms)
            for name in ("chosen", "tied", "select", "task", "tuned"):
                if (said := getattr(arm, name)) != (is_so := getattr(found, name)):
                    yield f"{arm.id}: {name} is {said!r}; by its trials and the plan it is {is_so!r}"

    def _run(
        self, arm: ArmPlan, key: str, params: dict[str, Any], role: RunRole, number: int, seed: int
    ) -> Iterator[str]:
        try:
            run = self.read[key] = read(self.submission.folder / "runs", key)
            spec, stated = RunSpec.model_validate(run.spec), as_now(run.spec, self.registry)
            by = Versions(run.env["torch"], run.env["numpy"], run.env["engine"])
        except UserError as error:
            yield self.submission.said(error)
            return
        except (ValueError, KeyError, TypeError) as error:
            yield f"run {key} is of another version: {type(error).__name__}: {error}"
            return
        asked, data = expected(arm, params, role, number, seed, self.registry)
        for difference in differences(asked.model_dump(mode="json"), stated):
            yield f"its spec is not the plan's: {difference}"
        if run_key(spec, data, self.registry, by) != key:
            yield "its key is not that of its spec, data, strategies' source and versions: something was changed"
        yield from _values(run, arm, role)


def _values(run: Run, arm: ArmPlan, role: RunRole) -> Iterator[str]:
    """Whether a run came to its end and recorded finite values where they are read."""
    if run.status != Status.FINISHED:
        if role == RunRole.SEED or run.status != Status.FAILED:
            yield f"it has not finished: {run.reason or run.status}"
        return
    epochs = run.spec["train"]["epochs"]
    if [end.epoch for end in run.boundaries] != list(range(1, epochs + 1)):
        yield f"its records are of epochs {[end.epoch for end in run.boundaries]}; accepted: 1 to {epochs}"
    for key in judged_by(arm.plan):
        if (role == RunRole.SEED or key.split == "valid") and any(key not in end.metrics for end in run.boundaries):
            yield f"its records have no {key}"
    odd = (f"{key} = {value}" for record in run.records for key, value in record.metrics.items() if not _finite(value))
    if (first := next(odd, None)) is not None:
        yield f"its records hold {first}"


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _trials(arm: Arm, planned: ArmPlan, values: dict[int, float | None]) -> Iterator[str]:
    space = planned.space()
    given = planned.given(space)
    for trial in arm.trials:
        where, recorded = f"{arm.id} trial {trial.number}", values[trial.number]
        if trial.value != recorded:
            yield f"{where}: its value is {trial.value}, and its records say {recorded}"
        if trial.params.keys() != space.keys():
            odd = min(trial.params.keys() ^ space.keys())
            yield f"{where}: knob {odd} is {'missing' if odd in space else 'not searched'}"
            continue
        for name, value in trial.params.items():
            fixed = given.get(trial.number, {}).get(name, value)
            if value != fixed:
                yield f"{where}: {name} = {value}; accepted: {fixed}, as in every search"
            elif not holds(space[name][0], value):
                yield f"{where}: {name} = {value} is out of its range"
