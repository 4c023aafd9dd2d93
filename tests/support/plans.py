"""A tiny plan, and what it leaves on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna

from harness.execution.local_pool import LocalPool
from harness.execution.prepare import prepare
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan, load_plan
from harness.plugins.registry import Registry
from harness.results.plan_results import Arm, PlanResult
from harness.results.records import Record, Run
from harness.search.job import Job
from harness.search.study import open_journal
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


def plan_of(folder: Path, text: str = PLAN, *overrides: str) -> Plan:
    path = folder / "tiny.toml"
    path.write_text(text)
    return load_plan(path, list(overrides))


def go(plan: Plan, results: Path, workers: int = 2, plugins: Path | None = None) -> tuple[PlanResult, Watcher]:
    watcher, pool = Watcher(), LocalPool(workers, plugins, results)
    return launch(plan, prepare(plan, Registry(plugins), results), results, pool, [watcher]), watcher


def studies(results: Path) -> dict[str, list[tuple[int, dict[str, Any], float | None]]]:
    """Study -> number, knobs and value of its trials."""
    storage = open_journal(results).storage
    loaded = [optuna.load_study(study_name=n, storage=storage) for n in optuna.study.get_all_study_names(storage)]
    return {study.study_name: [(t.number, t.params, t.value) for t in study.trials] for study in loaded}


def record_bytes(results: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in results.glob("runs/*/records.jsonl")}
