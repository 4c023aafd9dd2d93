"""Train one run and report what happens, without writing its records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import psutil

from harness.base.environment import environment
from harness.base.errors import UserError, described
from harness.base.owner import host
from harness.data import indexed
from harness.data.build import data_folder
from harness.data.indexed import IndexedDataset
from harness.engine import warm_start
from harness.engine.checkpoint import Checkpoints
from harness.engine.run import Diverged, run
from harness.execution.launcher import Began, Crashed, Done, Event, Recorded
from harness.experiment.instantiate import instances
from harness.experiment.keys import run_key
from harness.plugins.registry import Registry
from harness.results.keys import Status
from harness.results.plan_results import state_file
from harness.search.job import Job


class JobRunner:
    """Trains the runs of one results folder, one after the other, and keeps the data sets it read last in memory.

    plugins: a folder of further plug-ins.
    """

    def __init__(self, results: Path, plugins: Path | None) -> None:
        self._results, self._registry = results, Registry(plugins)
        self._load = lru_cache(maxsize=2)(lambda key: indexed.load(data_folder(results, key)))

    def run(self, job: Job, epochs_held: int) -> Iterator[Event]:
        """Train a run; an error becomes its last event."""
        try:
            yield from train(job, epochs_held, self._load(job.data), self._registry, self._results)
        except Exception as error:
            yield Crashed(job.key, described(error))


def train(
    job: Job, epochs_held: int, data: IndexedDataset, registry: Registry, results: Path
) -> Iterator[Began | Recorded | Done]:
    """Train a run, from its checkpoint if the scheduler holds all records up to there.

    results: where its checkpoints are, which are deleted at the end, and where a plan may have it leave its last state.
    A checkpoint is saved only after the caller has taken the records of its epoch.

    Raises:
        UserError: this process would compute other numbers than those the key stands for.
    """
    _ensure_same(job, registry)
    checkpoints, keep = results / "checkpoints" / job.key, partial(warm_start.save, path=state_file(results, job.key))
    saved = Checkpoints(checkpoints)
    if saved.epoch > epochs_held:
        saved.drop()
    yield Began(job.key, saved.epoch, {**environment(), "host": host()})
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
    yield Done(job.key, status, reason)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _ensure_same(job: Job, registry: Registry) -> None:
    """Raises: UserError: the key that this process computes for a run is not the one it was asked for."""
    if (key := run_key(job.spec, job.data, registry)) != job.key:
        raise UserError(
            f"the training process computes key {key} for this run: its torch, numpy, multiepoch or plug-ins are not "
            "those of the process that asked for it; run the plan again once nothing changes any more"
        )
