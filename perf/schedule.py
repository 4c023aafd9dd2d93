"""How busy workers are on the plan `main`, by a simulated clock: `python -m perf.schedule`.

Scheduler, searches and folders of runs are the real ones. A launcher stands for the workers: it makes up what runs come
to, and how long each takes.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from optuna.artifacts import FileSystemArtifactStore
from optuna.storages import InMemoryStorage

from harness.base.places import ROOT
from harness.execution.launcher import Began, Done, Event, Recorded
from harness.execution.scheduler import launch
from harness.experiment.instantiate import plugin_specs, repetitions
from harness.experiment.plan import STARTUP, Plan, labels
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey, Status
from harness.results.records import Record
from harness.search.arm import ArmPlan, Draw
from harness.search.job import Job
from harness.search.storage import Journal
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "schedule.md"
WORKERS, TOGETHER = (8, 32, 128), (1, 2, 4)
SHAPES = {
    "The plan `main`": (),
    "Four arms of it on one data set, with 24 trials each": (
        "strategies=['none', 'reinit', 'hashing', 'l2']",
        "dataset=[{name='powerlaw',preset='avazu_like'}]",
        "search.trials=24",
    ),
}
"""Overrides of the plan `main`."""
SPREAD = 0.2
"""By how much the times of runs of the same length differ, up or down."""


@dataclass
class Simulated:
    """So many workers, whose clock jumps from the end of one run to that of the next."""

    size: int
    taken: Callable[[Job], float]
    """How long a run takes."""
    now: float = 0.0
    busy: float = 0.0
    """How long workers trained, in sum."""
    _running: list[tuple[float, str, Job]] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.size - len(self._running)

    def submit(self, job: Job, records_held: int) -> None:
        lasts = self.taken(job)
        self.busy += lasts
        heapq.heappush(self._running, (self.now + lasts, job.key, job))

    def events(self, timeout: float) -> Iterator[Event]:
        self.now, key, job = heapq.heappop(self._running)
        yield Began(key, 0, ({},))
        for epoch in range(1, job.spec.train.epochs + 1):
            yield Recorded(key, Record(epoch, epoch, float(epoch), True, {_selected(job): chance(f"{key} {epoch}")}))
        yield Done(key, Status.FINISHED, "")

    def pause(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def _selected(job: Job) -> MetricKey:
    return MetricKey("valid", "auc", job.task)


def chance(text: str) -> float:
    """A number in [0, 1) that a text stands for."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def taken(job: Job) -> float:
    """In epochs: those of the run, and a little by chance. The data sets of `main` have as many rows each."""
    return job.spec.train.epochs * (1 + SPREAD * (2 * chance(job.key) - 1))


def arms_of(plan: Plan, folder: Path) -> list[ArmPlan]:
    """Those that `prepare` lays out, without their data."""
    registry, journal = Registry(), Journal(folder, InMemoryStorage(), FileSystemArtifactStore(str(folder)))
    datasets, models, _ = plugin_specs(plan, registry)
    arms = []
    for spec, label in zip(datasets, labels(plan.datasets), strict=True):
        draws = tuple(Draw(each, seed, f"{label}-{seed}") for each, seed in repetitions(spec, plan, registry))
        for model, name in zip(models, labels(plan.models), strict=True):
            task = plan.search.task or ""
            arms += [ArmPlan(plan, registry, label, name, s, draws, model, task, journal) for s in plan.strategies]
    return arms


@dataclass(frozen=True)
class Simulation:
    """What a launch came to. long: in epochs, on the simulated clock."""

    runs: int
    long: float
    busy: float
    """The share of the workers' time that they trained."""


def simulate(plan: Plan, workers: int) -> Simulation:
    with TemporaryDirectory() as folder:
        launcher = Simulated(workers, taken)
        launch(plan, arms_of(plan, Path(folder)), Path(folder), launcher)
        runs = len(list(Path(folder).glob("runs/*/done")))
    return Simulation(runs, launcher.now, launcher.busy / launcher.now / workers)


def page(shapes: Sequence[str]) -> Iterator[str]:
    """The published page."""
    yield from ("# How busy workers are", "", "Written by `python -m perf.schedule`, on a simulated clock.", "")
    for shape in shapes:
        yield from section(shape)
    yield (
        "A cell is the share of the workers' time in which they train, and in brackets how many epochs long all takes. "
        f"Runs of one length differ by up to {SPREAD:.0%}, up or down. The critical path is how long it takes with any "
        f"number of workers. The first {STARTUP} trials are always proposed together, as they depend on no result."
    )


def section(shape: str) -> Iterator[str]:
    rows = []
    for together in TOGETHER:
        plan = load_plan("main", [*SHAPES[shape], f"search.parallel={together}"])
        longest, found = simulate(plan, 1 << 20), [simulate(plan, workers) for workers in WORKERS]
        rows.append((str(together), f"{longest.long:.0f}", *(f"{f.busy:.0%} ({f.long:.0f})" for f in found)))
    header = ("trials together", "critical path", *(f"{workers} workers" for workers in WORKERS))
    yield from (f"**{shape}**", "", *table(header, rows), "", _notes(plan, longest.runs), "")


def _notes(plan: Plan, runs: int) -> str:
    epochs, trials = plan.train.epochs, plan.search.trials
    return (
        f"{runs} runs. If all trials of a search came one by one, {trials} + 1 runs of {epochs} epochs would come in a "
        f"row, {(trials + 1) * epochs} epochs, and {trials * epochs} + 1 of one epoch for the baseline."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.parse_args(arguments).out.write_text("\n".join(page([*SHAPES])) + "\n")


if __name__ == "__main__":
    main()
