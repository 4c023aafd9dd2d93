"""Run what is missing of a plan: ask the arms for jobs, hand them to workers, and hand back the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.execution.local_pool import Pool
from harness.execution.lock import locked
from harness.execution.observer import Observer
from harness.experiment.plan import Plan
from harness.results import records
from harness.results.keys import Status
from harness.results.plan_results import Arm, PlanResult, write_plan_result
from harness.results.records import Run
from harness.search.arm import ArmPlan, Job
from harness.search.procedure import Jobs, procedure


def launch(
    plan: Plan,
    arms: Sequence[ArmPlan],
    results: Path,
    workers: int,
    observers: Sequence[Observer] = (),
    links: Callable[[str], dict[str, str]] = lambda key: {},
) -> PlanResult:
    """Run all of a prepared plan that is missing, `workers` runs at a time.

    links: what a trial says about the MLflow run of its key.

    A run that fails is recorded and the others go on; one whose process dies is tried once more first. Interrupted, it
    leaves whole runs or none, and called again goes on with what is missing.
    """
    with locked(results), Pool(workers, arms[0].registry.extra, results) as pool:
        return _Launch(plan, results, pool, observers).run([replace(a, links=links) for a in arms])


@dataclass
class _Driver:
    """An arm under way: its generator, the jobs it waits for, and what came of them."""

    arm: ArmPlan
    jobs: Jobs
    asked: list[Job] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    arms: list[Arm] = field(default_factory=list)


class _Launch:
    def __init__(self, plan: Plan, results: Path, pool: Pool, observers: Sequence[Observer]) -> None:
        self.plan, self.results, self.pool, self.observers = plan, results, pool, observers
        self.ready: list[Job] = []
        self.waiting: dict[str, list[_Driver]] = {}
        self.drivers: list[_Driver] = []
        self.died: set[str] = set()

    def run(self, arms: list[ArmPlan]) -> PlanResult:
        for observer in self.observers:
            observer.planned(sum(arm.most_runs for arm in arms))
        self.drivers = [_Driver(arm, procedure(arm)) for arm in arms]
        for driver in self.drivers:
            self._advance(driver, None)
        while self.waiting:
            while self.ready and self.pool.free:
                job = self.ready.pop(0)
                self.pool.submit(job)
                for observer in self.observers:
                    observer.started(job)
            for kind, job, value in self.pool.events(timeout=0.5):
                if kind == "record":
                    for observer in self.observers:
                        observer.recorded(job, value)
                elif kind == "died" and job.key not in self.died:
                    self.died.add(job.key)
                    self.ready.insert(0, job)
                else:
                    self._settle(job, self._read(job, None if kind == "done" else value), trained=True)
        return self._write_result(complete=True)

    def _settle(self, job: Job, run: Run, trained: bool) -> None:
        """Hand a run to every arm that waits for it; the last one asked for moves the arm on."""
        for observer in self.observers:
            observer.finished(job, run, trained)
        for driver in self.waiting.pop(job.key):
            driver.runs[job.key] = run
            if all(j.key in driver.runs for j in driver.asked):
                self._advance(driver, [driver.runs[j.key] for j in driver.asked])

    def _advance(self, driver: _Driver, runs: list[Run] | None) -> None:
        """Let an arm ask for its next runs; those on disk are handed over at once."""
        while True:
            try:
                driver.asked = next(driver.jobs) if runs is None else driver.jobs.send(runs)
            except StopIteration as stop:
                driver.arms = stop.value
                self._write_result(complete=False)
                for observer in self.observers:
                    for arm in driver.arms:
                        observer.arm_done(arm)
                return
            missing = [j for j in driver.asked if not self._on_disk(driver, j)]
            for job in missing:
                if job.key not in self.waiting:
                    self.ready.append(job)
                self.waiting.setdefault(job.key, []).append(driver)
            if missing:
                return
            runs = [driver.runs[j.key] for j in driver.asked]

    def _on_disk(self, driver: _Driver, job: Job) -> bool:
        if job.key not in driver.runs and (run := records.done(self.results / "runs", job.key)) is not None:
            driver.runs[job.key] = run
            for observer in self.observers:
                observer.finished(job, run, False)
        return job.key in driver.runs

    def _read(self, job: Job, crash: str | None) -> Run:
        """A run from disk; one that crashed counts as failed now, and is trained again the next time."""
        runs = self.results / "runs"
        if crash is None:
            return records.read(runs, job.key)
        records.crashed(runs, job.key, crash)
        return Run(job.key, job.spec.model_dump(mode="json"), (), Status.FAILED, crash, {})

    def _write_result(self, complete: bool) -> PlanResult:
        arms = tuple(arm for driver in self.drivers for arm in driver.arms)
        result = PlanResult(self.plan.name, self.plan.model_dump(mode="json", by_alias=True), arms, complete)
        write_plan_result(self.results, result)
        return result
