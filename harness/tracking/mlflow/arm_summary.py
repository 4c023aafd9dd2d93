"""An arm in numbers, as the plan's analysis has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from statistics import fmean

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.groups import ArmRuns
from harness.analysis.winners import winner
from harness.results.keys import Status
from harness.results.records import Run
from harness.tracking.mlflow.points import CURVES, accepted, digest, jump_name

LEVELS = ("best", "last", "second_epoch_change")
"""What is shown of an arm in each metric beside its gain, in the words of `harness.analysis.comparisons`."""
DECIMALS = 6
"""Of an arm's numbers, as the page shows every digit that it is given."""


class ArmSummary:
    """What an arm of an analysis shows of itself.

    of_none: whether its knobs won the search of `none`.
    split: where its numbers are read.
    metric: what the plan ranks by.
    tasks: that its runs recorded, the one that the plan selects by first.
    done: its finished runs; of a one-epoch arm only their first epoch.
    values: means over these runs.
    gains: by key, the gain of each run that has a baseline of its seed.
    digest: changes with everything that its curves depend on.
    """

    def __init__(self, analysis: GroupAnalysis, runs: ArmRuns) -> None:
        group = analysis.group
        self.arm, self.split, self.metric = runs.arm, group.split, group.metric
        won = winner(runs, group)
        self.of_none = won is not None and won.of_none
        self.tasks = sorted(group.tasks, key=lambda task: task != group.task)
        self.done = [_first(run) if runs.is_baseline else run for run in runs.finished.values()]
        self.values = {"seeds": float(len(self.done)), "seeds_failed": float(len(self.arm.runs) - len(self.done))}
        if epochs := analysis.epochs[id(runs)]:
            self.values["chosen_epoch"] = fmean(epochs.values())
        self.gains: dict[str, dict[str, float]] = {}
        for task in self.tasks:
            recorded = analysis.recorded(task)
            for metric in dict.fromkeys((group.metric, *CURVES)):
                if metric in recorded:
                    row = next(row for row in analysis.compared(task, metric) if row.arm is runs)
                    self._add(row, task, metric, corrected=runs.complete)
        self.values = {name: round(value, DECIMALS) for name, value in self.values.items()}
        ended = sorted((r.key, r.status) for r in runs.runs.values() if r.status in (Status.FINISHED, Status.FAILED))
        self.digest = digest([sorted(self.arm.keys), ended])

    def _add(self, row: ArmComparison, task: str, metric: str, *, corrected: bool) -> None:
        self.values |= dict(self._gain(row, task, metric, corrected))
        shown = {level: estimate for level in LEVELS if (estimate := row.value(level)) is not None}
        self.values |= {name_of(self.split, metric, level, task): e.mean for level, e in shown.items()}
        if (jump := row.value("jump")) is not None:
            self.values[jump_name(task)] = jump.mean
        if not row.arm.is_baseline:
            for seed, gain in row.contrasts["gain"].by_seed.items():
                self.gains.setdefault(self.arm.runs[seed], {})[name_of(self.split, metric, "gain", task)] = gain

    def _gain(self, row: ArmComparison, task: str, metric: str, corrected: bool) -> Iterator[tuple[str, float]]:
        """The gain over one tuned epoch, its interval and, in a whole plan, its p corrected for the number of arms."""
        if (gain := row.value("gain")) is None:
            return
        name = name_of(self.split, metric, "gain", task)
        yield name, gain.mean
        if row.arm.is_baseline:
            return
        ends = {"low": gain.low, "high": gain.high, "p": row.p("gain") if corrected else None}
        yield from ((f"{name} {end}", value) for end, value in ends.items() if value is not None)


def name_of(split: str, metric: str, quantity: str, task: str) -> str:
    """A quantity of an arm. The page has a section for all that is alike before the last slash."""
    return accepted(f"{split}/{metric}_{quantity}/{task}")


def _first(run: Run) -> Run:
    return dataclasses.replace(run, records=tuple(r for r in run.records if r.epoch == 1))
