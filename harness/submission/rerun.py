"""One run of a submission, trained again here and compared.

On the machine and versions that it names, the records must be the same bytes. Elsewhere rounding differs, and a run may
become as different as one with another seed: the tolerance follows from how far seeds differ in the submission itself.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.analysis.load import Group, load
from harness.base.environment import environment
from harness.base.errors import UserError
from harness.data.build import build_data
from harness.execution.launcher import Began, Crashed, Done, Recorded
from harness.execution.run_folders import RunFolders
from harness.execution.run_job import JobRunner
from harness.experiment.keys import run_key
from harness.experiment.plan import RunSpec
from harness.plugins.registry import Registry
from harness.results.keys import ArmId, MetricKey, RunRole
from harness.results.records import Run, read
from harness.search.job import Job
from harness.submission.packed import Submission
from harness.submission.reading import foreign, plugins_folder

Floats = npt.NDArray[np.float64]
COMPUTED_BY = ("machine", "torch", "numpy", "engine")
"""What two environments must share to compute the same bytes."""
LEVEL = 0.01
"""Chance that a run which rounding made as different as another seed is refused."""


class Cell(NamedTuple):
    """A reporting run of a submission."""

    arm: ArmId
    seed: int
    key: str

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}"


@dataclass(frozen=True)
class Outcome:
    """What a rerun came to. agrees: whether it may be the run that was submitted. text: how they compare."""

    agrees: bool
    text: str


def cells(submission: Submission) -> list[Cell]:
    """Every reporting run once, in an order that depends on nothing but the submission."""
    found = {key: Cell(arm.id, seed, key) for arm in submission.result.arms for seed, key in sorted(arm.runs.items())}
    return sorted(found.values())


def chosen(submission: Submission, choice: int) -> Cell:
    """A cell drawn at random. choice: the seed of the draw."""
    return random.Random(choice).choice(cells(submission))


def rerun(submission: Submission, cell: Cell) -> Outcome:
    """Train a cell again and compare. This runs the submitted code, in this process.

    Raises:
        UserError: it cannot be trained here.
    """
    recorded = read(submission.folder / "runs", cell.key)
    with tempfile.TemporaryDirectory(prefix="multiepoch-") as scratch:
        results = Path(scratch)
        again = _trained(submission, cell, RunSpec.model_validate(recorded.spec), results)
        same = _records(again) == _records(recorded)
    if all(recorded.env.get(name) == environment()[name] for name in COMPUTED_BY):
        where = "on the same machine and versions"
        return Outcome(same, f"the same bytes, {where}" if same else f"{_first(again, recorded)}, {where}")
    if same:
        return Outcome(True, f"the same bytes, on {environment()['machine']}")
    return _within(submission, cell, again, recorded)


def _trained(submission: Submission, cell: Cell, spec: RunSpec, results: Path) -> Run:
    extra = plugins_folder(foreign(submission), results / "plugins")
    registry, folders = Registry(extra), RunFolders(results)
    data = build_data(spec.dataset, spec.data_seed, registry, results)
    key, task = run_key(spec, data, registry), str(submission.plan.search.task)
    job = Job(key, spec, data, cell.arm, task, RunRole.SEED, cell.seed)
    for event in JobRunner(results, extra).run(job, 0):
        match event:
            case Began():
                folders.begin(job, event)
            case Recorded(record=record):
                folders.append(key, record)
            case Done():
                return folders.finish(event)
            case Crashed(reason=reason):
                raise UserError(f"{cell} cannot be trained here: {reason}")
    raise UserError(f"{cell} did not come to an end here")


def _records(run: Run) -> bytes:
    assert run.folder is not None
    return (run.folder / "records.jsonl").read_bytes()


def _first(again: Run, recorded: Run) -> str:
    """The first value in which two runs differ."""
    for mine, its in zip(again.records, recorded.records, strict=False):
        for key, value in mine.metrics.items():
            if value != its.metrics.get(key):
                return f"{key} at epoch {mine.epoch} is {value!r} here and {its.metrics.get(key)!r} in the submission"
    return f"{len(again.records)} evaluations here and {len(recorded.records)} in the submission"


def _within(submission: Submission, cell: Cell, again: Run, recorded: Run) -> Outcome:
    """Whether two runs differ by no more than seeds do, at the end of every epoch."""
    search = submission.plan.search
    key = MetricKey("test", search.metric, str(search.task))
    ends = zip(again.boundaries, recorded.boundaries, tolerances(submission, cell), strict=True)
    apart = [(abs(mine.metrics[key] - its.metrics[key]), most, mine.epoch) for mine, its, most in ends]
    worst, most, epoch = max(apart, key=lambda each: each[0] / each[1])
    text = f"{key} differs by {worst:.5f} at epoch {epoch}, where {most:.5f} is allowed between machines"
    return Outcome(worst <= most, text)


def tolerances(submission: Submission, cell: Cell) -> list[float]:
    """How far apart a cell and its rerun may be on another machine, at the end of each epoch.

    Values of the arms of its data set and model are arm + seed + rest. The rest has a deviation s, and two runs of an
    arm and seed that were as different as other seeds would differ by t s sqrt(2), t of `LEVEL` over the epochs.
    """
    search = submission.plan.search
    groups = load(submission.folder, submission.about["track"]).groups
    (group,) = (each for each in groups if (each.dataset, each.model) == cell.arm[:2])
    key = MetricKey("test", search.metric, str(search.task))
    epochs = read(submission.folder / "runs", cell.key).spec["train"]["epochs"]
    return [tolerance(value_AS, LEVEL / epochs) for value_AS in _values(group, key, epochs)]


def _values(group: Group, key: MetricKey, epochs: int) -> Iterator[Floats]:
    """At the end of each epoch, the values of the arms that have one, each run once: [arms, seeds]."""
    for epoch in range(epochs):
        runs = {tuple(run.key for run in arm.runs.values()): list(arm.runs.values()) for arm in group.everything}
        held = [each for each in runs.values() if all(len(run.boundaries) > epoch for run in each)]
        yield np.array([[run.boundaries[epoch].metrics[key] for run in each] for each in held])


def tolerance(value_AS: Floats, level: float) -> float:
    arms, seeds = value_AS.shape
    freedom = (arms - 1) * (seeds - 1)
    rest_AS = value_AS - value_AS.mean(0) - value_AS.mean(1, keepdims=True) + value_AS.mean()
    return float(stats.t.isf(level / 2, freedom) * np.sqrt(2 * (rest_AS**2).sum() / freedom))
