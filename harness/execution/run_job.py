"""Train one run and report what happens, without writing its records."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import psutil

from harness.base.environment import environment
from harness.base.errors import UserError, described
from harness.base.notice import Notice
from harness.base.owner import host
from harness.data import indexed
from harness.data.build import data_folder
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import warm_start
from harness.engine.checkpoint import Checkpoints, Interrupted
from harness.engine.run import Diverged, run
from harness.execution.launcher import Began, Crashed, Done, Event, Paused, Recorded
from harness.experiment.instantiate import instances
from harness.experiment.keys import run_key
from harness.plugins.registry import Registry
from harness.results.keys import Status
from harness.results.plan_results import state_file
from harness.search.job import Job


class JobRunner:
    """Trains the runs of one results folder, one after the other, and keeps the data sets it read last in memory.

    plugins: a folder of further plug-ins. notice: that the run in training is to save a checkpoint and end.
    """

    def __init__(self, results: Path, plugins: Path | None, notice: Notice | None = None) -> None:
        self._results, self._registry, self._notice = results, Registry(plugins), notice or Notice()
        self._load = lru_cache(maxsize=2)(lambda key: indexed.load(data_folder(results, key)))

    def run(self, job: Job, records_held: int) -> Iterator[Event]:
        """Train a run; an error becomes its last event."""
        try:
            told, data = self._notice.given, self._load(job.data)
            for event in train(job, records_held, data, self._registry, self._results, told):
                if isinstance(event, Paused):
                    self._notice.number = None
                yield event
        except Exception as error:
            yield Crashed(job.key, described(error))


def train(
    job: Job, records_held: int, data: IndexedDataset, registry: Registry, results: Path,
    told: Callable[[], bool] = lambda: False,
) -> Iterator[Began | Recorded | Done | Paused]:  # fmt: skip
    """Train a run, from its checkpoint if the scheduler holds all records up to there.

    results: where its checkpoints are, which are deleted at the end, and where a plan may have it leave its last state.
    A checkpoint is saved only after the caller has taken the records before it. told: whether the run is to end at its
    next step.

    Raises:
        UserError: this process would compute other numbers than those the key stands for.
    """
    _ensure_same(job, registry)
    checkpoints, keep = results / "checkpoints" / job.key, partial(warm_start.save, path=state_file(results, job.key))
    saved = Checkpoints(checkpoints, told)
    if saved.records > records_held:
        saved.drop(f"it was taken after {saved.records} records, of which {records_held} are there")
    saved.go_on_in({**environment(), "host": host()})
    yield Began(job.key, saved.records, saved.trained_on, saved.unused)
    spec, status, reason = job.spec, Status.FINISHED, ""
    _, model, strategies = instances(spec, registry)
    process = psutil.Process()
    process.cpu_percent()  # counts from here
    try:
        for record in run(data, model, strategies, spec.train, spec.evaluation, spec.seed, saved, keep):
            if record.boundary:
                usage = {"cpu_percent": process.cpu_percent(), "load_average": psutil.getloadavg()[0]}
                record = replace(record, cost=record.cost | usage)
            yield Recorded(job.key, record)
    except Diverged as error:
        status, reason = Status.FAILED, str(error)
    except Interrupted:
        yield Paused(job.key)
        return
    yield Done(job.key, status, reason)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _ensure_same(job: Job, registry: Registry) -> None:
    """Raises: UserError: the key that this process computes for a run is not the one it was asked for."""
    if (key := run_key(job.spec, job.data, registry)) != job.key:
        raise UserError(
            f"the training process computes key {key} for this run: its torch, numpy, multiepoch or plug-ins are not "
            "those of the process that asked for it; run the plan again once nothing changes any more"
        )
