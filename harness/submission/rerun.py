"""Runs of a submission, trained again here and compared.

On the machine and versions that it names, the records must be the same bytes. Elsewhere rounding differs, and a run may
become as different as one with another seed: it must lie where one more of several seeds that are trained here would,
in all that a submission is judged by. The machine is what the submission says it is.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
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
from harness.results.keys import ArmId, MetricKey, RunRole, Status
from harness.results.records import Run
from harness.results.run_reader import read
from harness.search.job import Job
from harness.submission.packed import Submission
from harness.submission.protocol import judged_by
from harness.submission.reading import foreign, plugins_folder

Floats = npt.NDArray[np.float64]
SAME, NEAR = "the same bytes", "no further than another seed, on another machine or version"
"""What reruns that agree come to."""
LEVEL = 0.01
"""Chance that a submission whose runs rounding made as different as another seed is refused."""
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
    """What a rerun came to. agrees: whether it may be the run that was submitted. same: to the byte. text: how they
    compare."""

    agrees: bool
    same: bool
    text: str


def cells(submission: Submission) -> list[Cell]:
    """Every reporting run once, in an order that depends on nothing but the submission."""
    found: dict[str, Cell] = {}
    for arm in submission.result.arms:
        for seed, key in arm.runs.items():
            found.setdefault(key, Cell(arm.id, seed, key))
    return sorted(found.values())


def chosen(submission: Submission, choice: int) -> list[Cell]:
    """A cell of every strategy, `none` and a baseline of its own runs among them, so that none hides behind others.

    choice: the seed of the draw.
    """
    drawn, of_name = random.Random(choice), dict[str, list[Cell]]()
    for cell in cells(submission):
        of_name.setdefault(cell.arm.name, []).append(cell)
    return [drawn.choice(of_name[name]) for name in sorted(of_name)]


def rerun(submission: Submission, cell: Cell, drawn: int) -> Outcome:
    """Train a cell again and compare. This runs the submitted code, in this process. drawn: how many cells are tried.

    Raises:
        UserError: it cannot be trained here.
    """
    recorded = read(submission.folder / "runs", cell.key)
    spec = RunSpec.model_validate(recorded.spec)
    with tempfile.TemporaryDirectory(prefix="multiepoch-") as scratch:
        train = _Trainer(submission, cell, Path(scratch))
        again = train(spec)
        if _records(again) == _records(recorded):
            return Outcome(True, True, f"{SAME}, on {environment()['machine']}")
        machines = {env.get("machine") for env in recorded.environments}
        if again.key == recorded.key and machines == {environment()["machine"]}:
            return Outcome(False, False, f"{_first(again, recorded)}, on the same machine and versions")
        others = [train(spec.model_copy(update={"seed": seed})) for seed in OTHERS]
    return within(judged_by(submission.plan), recorded, [again, *others], drawn)


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
                case Done(status=Status.FINISHED):
                    return folders.finish(event)
                case Done(reason=reason):
                    raise UserError(f"{self._cell} does not finish here, with seed {spec.seed}: {reason}")
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


def within(keys: Sequence[MetricKey], recorded: Run, here: Sequence[Run], drawn: int) -> Outcome:
    """Whether a run lies where one more seed would, in these metrics at the end of every epoch.

    here: its rerun, then other seeds. drawn: runs of the submission that are tried so. Of honest ones, one or more are
    refused with a chance of `LEVEL` at most, by Bonferroni's bound over all values of all of them.
    """
    found, level = [], LEVEL / (drawn * len(keys) * len(recorded.boundaries))
    for key, end in product(keys, recorded.boundaries):
        value_S = np.array([run.boundaries[end.epoch - 1].metrics[key] for run in here])
        most = tolerance(value_S, level)
        found.append((abs(end.metrics[key] - float(value_S.mean())), most, f"{key} at epoch {end.epoch}"))
    apart, most, what = max(found, key=lambda each: each[0] - each[1])
    text = f"{what} is {apart:.5f} from the mean of {len(here)} seeds here; accepted: {most:.5f}"
    return Outcome(apart <= most, False, text)


def tolerance(value_S: Floats, level: float) -> float:
    """How far one more seed lies from the mean of these, but for a chance of `level`."""
    seeds = len(value_S)
    return float(stats.t.isf(level / 2, seeds - 1) * value_S.std(ddof=1) * np.sqrt(1 + 1 / seeds))
