"""A tiny plan, and what it leaves on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna

from harness.execution.launcher import Died, Event, Launcher
from harness.execution.launchers.local_pool import LocalPool
from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.results.plan_results import Arm, PlanResult
from harness.results.records import Record, Run
from harness.search.job import Job
from harness.search.storage import open_journal
from support.engine import TINY

PLAN = f"""
strategies = ["none", "reinit"]
seeds = [1, 2]
[[dataset]]
name = "powerlaw"
{chr(10).join(f"{k} = {v}" for k, v in TINY.items())}
[[model]]
name = "dnn"
dim = 4
hidden = [8]
[train]
epochs = 2
batch_size = 512
[evaluation]
points = [0.5]
sample = 200
[search]
trials = 2
task = "click"
"""


@dataclass
class Watcher:
    """Counts what a launch does."""

    trained: list[Job] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    records: int = 0
    arms: list[Arm] = field(default_factory=list)

    def planned(self, runs: int) -> None: ...

    def started(self, job: Job) -> None: ...

    def recorded(self, job: Job, record: Record) -> None:
        self.records += 1

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        self.runs.append(run)
        if trained:
            self.trained.append(job)

    def arm_done(self, arm: Arm) -> None:
        self.arms.append(arm)


class Trained(Exception):
    """Raised in the place of training: all that was asked for is accepted."""


@dataclass
class Inline:
    """Trains one run at a time in this process; loses the first ones after so many records, without their end."""

    runner: JobRunner
    lost_after: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    """What the scheduler said of each submission."""
    _job: Job | None = None

    @property
    def free(self) -> int:
        return int(self._job is None)

    def submit(self, job: Job, records_held: int) -> None:
        assert self.free
        self._job = job
        self.held.append(records_held)

    def events(self, timeout: float) -> Iterator[Event]:
        assert self._job is not None
        job, self._job = self._job, None
        most = self.lost_after.pop(0) if self.lost_after else None
        for number, event in enumerate(self.runner.run(job, self.held[-1])):
            if most is not None and number > most:
                yield Died(job.key, "lost")
                return
            yield event

    def pause(self) -> None: ...

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None: ...


def plan_of(folder: Path, text: str = PLAN, *overrides: str) -> Plan:
    path = folder / "tiny.toml"
    path.write_text(text)
    return load_plan(path, list(overrides))


def go(plan: Plan, results: Path, workers: int = 0, plugins: Path | None = None) -> tuple[PlanResult, Watcher]:
    """Run a plan. workers: processes, each of which takes seconds to start; 0 trains in this one."""
    watcher = Watcher()
    launcher: Launcher = LocalPool(workers, plugins, results) if workers else Inline(JobRunner(results, plugins))
    return launch(plan, prepare(plan, Registry(plugins), results), results, launcher, [watcher]), watcher


def studies(results: Path) -> dict[str, list[tuple[int, dict[str, Any], float | None]]]:
    """Study -> number, knobs and value of its trials."""
    storage = open_journal(results).storage
    loaded = [optuna.load_study(study_name=n, storage=storage) for n in optuna.study.get_all_study_names(storage)]
    return {study.study_name: [(t.number, t.params, t.value) for t in study.trials] for study in loaded}


def record_bytes(results: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in results.glob("runs/*/records.jsonl")}
