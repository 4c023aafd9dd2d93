"""Arms with their runs, and the groups in which they are compared: one data set, one model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from harness.analysis.always_valid import LARGE, SPREAD
from harness.analysis.estimates import Estimate, estimate
from harness.base.words import counted
from harness.results.findings import Finding
from harness.results.keys import ArmRole, Status
from harness.results.plan_results import PLAIN, Arm
from harness.results.records import Run

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

    def is_like(self, other: ArmRuns | None) -> bool:
        """Whether every record of every seed that ended is that of the other arm's, to the bit."""
        if other is None:
            return False
        pairs = [(run, other.finished.get(seed)) for seed, run in self.finished.items()]
        return bool(pairs) and all(its is not None and run.records == its.records for run, its in pairs)

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
    def once_failed(self) -> bool:
        """Whether the one-epoch reference has a failed seed."""
        return self.baseline is not None and self.baseline.failed != ()

    def estimate(self, values: Iterable[float], *arms: ArmRuns, test_error: float = 0.0) -> Estimate | None:
        """Of values that come of these arms, always valid where what runs showed decided how many there are."""
        stopped = self.stopped or any(arm.stopped for arm in arms)
        return estimate(values, test_error, stopped=stopped, spread=SPREAD if self.stopped else LARGE)

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


def seeds(count: int) -> str:
    return counted(count, "seed")


def spoken(label: str) -> str:
    """What an arm is called in a sentence, in which `none` would be read as nobody."""
    return "plain training" if label == PLAIN else label
