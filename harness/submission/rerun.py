"""One run of a submission, trained again here and compared.

On the machine and versions that it names, the records must be the same bytes. Elsewhere rounding differs, and a run may
become as different as one with another seed: it must lie where one more of several seeds that are trained here would.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.base.environment import environment
from harness.base.errors import UserError
from harness.data.build import build_data
from harness.execution.launcher import Began, Crashed, Done, Recorded
from harness.execution.run_folders import RunFolders
from harness.execution.run_job import JobRunner
from harness.experiment.keys import run_key
from harness.experiment.specs import RunSpec
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
OTHERS = range(1_000_001, 1_000_010)
"""Seeds that are trained beside the rerun to see how far seeds differ; none of a plan."""


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
    found: dict[str, Cell] = {}
    for arm in submission.result.arms:
        for seed, key in arm.runs.items():
            found.setdefault(key, Cell(arm.id, seed, key))
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
    spec = RunSpec.model_validate(recorded.spec)
    with tempfile.TemporaryDirectory(prefix="multiepoch-") as scratch:
        train = _Trainer(submission, cell, Path(scratch))
        again = train(spec)
        same = _records(again) == _records(recorded)
        if all(env.get(name) == environment()[name] for env in recorded.environments for name in COMPUTED_BY):
            where = "on the same machine and versions"
            return Outcome(same, f"the same bytes, {where}" if same else f"{_first(again, recorded)}, {where}")
        if same:
            return Outcome(True, f"the same bytes, on {environment()['machine']}")
        others = [train(spec.model_copy(update={"seed": seed})) for seed in OTHERS]
    return _within(submission, recorded, [again, *others])


class _Trainer:
    """Trains runs of a submission in an empty results folder."""

    def __init__(self, submission: Submission, cell: Cell, results: Path) -> None:
        extra = plugins_folder(foreign(submission), results / "plugins")
        self._task, self._cell, self._results = str(submission.plan.search.task), cell, results
        self._registry, self._runner = Registry(extra), JobRunner(results, extra)

    def __call__(self, spec: RunSpec) -> Run:
        data = build_data(spec.dataset, spec.data_seed, self._registry, self._results)
        key, folders = run_key(spec, data, self._registry), RunFolders(self._results)
        job = Job(key, spec, data, self._cell.arm, self._task, RunRole.SEED, self._cell.seed)
        folders.claim(key)
        for event in self._runner.run(job, 0):
            match event:
                case Began():
                    folders.begin(job, event)
                case Recorded(record=record):
                    folders.append(key, record)
                case Done():
                    return folders.finish(event)
                case Crashed(reason=reason):
                    raise UserError(f"{self._cell} cannot be trained here: {reason}")
        raise UserError(f"{self._cell} did not come to an end here")


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


def _within(submission: Submission, recorded: Run, here: Sequence[Run]) -> Outcome:
    """Whether a run lies where one more seed would, at the end of every epoch. here: its rerun, then other seeds."""
    search = submission.plan.search
    key = MetricKey("test", search.metric, str(search.task))
    found = []
    for end in recorded.boundaries:
        value_S = np.array([run.boundaries[end.epoch - 1].metrics[key] for run in here])
        most = tolerance(value_S, LEVEL / len(recorded.boundaries))
        found.append((abs(end.metrics[key] - float(value_S.mean())), most, end.epoch))
    apart, most, epoch = max(found, key=lambda each: each[0] / each[1])
    text = f"{key} at epoch {epoch} is {apart:.5f} from the mean of {len(here)} seeds here; accepted: {most:.5f}"
    return Outcome(apart <= most, text)


def tolerance(value_S: Floats, level: float) -> float:
    """How far one more seed lies from the mean of these, but for a chance of `level`."""
    seeds = len(value_S)
    return float(stats.t.isf(level / 2, seeds - 1) * value_S.std(ddof=1) * np.sqrt(1 + 1 / seeds))
