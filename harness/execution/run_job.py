"""Train one run and report what happens, without writing its records."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
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
from harness.engine.group_run import Member, run_group
from harness.engine.run import Diverged, run
from harness.execution.launcher import Began, Crashed, Done, Event, Paused, Recorded
from harness.experiment.instantiate import instances
from harness.experiment.keys import run_key
from harness.experiment.specs import RunSpec
from harness.plugins.registry import Registry
from harness.results.keys import Status
from harness.results.plan_results import state_file
from harness.results.records import Record
from harness.search.job import Job


class JobRunner:
    """Trains the runs of one results folder, one after the other, and keeps the data sets it read last in memory.

    plugins: a folder of further plug-ins. notice: that the run in training is to save a checkpoint and end.
    """

    def __init__(self, results: Path, plugins: Path | None, notice: Notice | None = None) -> None:
        self._results, self._plugins, self._notice = results, plugins, notice or Notice()
        self._load = lru_cache(maxsize=2)(lambda key: indexed.load(data_folder(results, key)))

    @cached_property
    def _registry(self) -> Registry:
        """Read with the first run, whose error it is where a plug-in cannot be loaded."""
        return Registry(self._plugins)

    def run(self, job: Job, records_held: int) -> Iterator[Event]:
        """Train a run; an error becomes its last event."""
        try:
            here, told = (self._registry, self._results), self._notice.given
            data = [self._load(each.data) for each in job.group]
            if job.beside:
                events = train_group(job, records_held, data, *here, told)
            else:
                events = train(job, records_held, data[0], *here, told)
            for event in events:
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
    saved = _usable(Checkpoints(checkpoints, told), records_held)
    saved.go_on_in({**environment(), "host": host()})
    yield Began(job.key, saved.records, saved.trained_on, saved.unused)
    spec, status, reason = job.spec, Status.FINISHED, ""
    _, model, strategies = instances(spec, registry)
    used = _usage()
    try:
        for record in run(data, model, strategies, spec.train, spec.evaluation, spec.seed, saved, keep):
            yield Recorded(job.key, replace(record, cost=record.cost | used()) if record.boundary else record)
    except Diverged as error:
        status, reason = Status.FAILED, str(error)
    except Interrupted:
        yield Paused(job.key)
        return
    yield Done(job.key, status, reason)
    shutil.rmtree(checkpoints, ignore_errors=True)


def train_group(
    first: Job, records_held: int, data: Sequence[IndexedDataset], registry: Registry, results: Path,
    told: Callable[[], bool] = lambda: False,
) -> Iterator[Began | Recorded | Done | Paused]:  # fmt: skip
    """Train a run and those beside it in one, each on its data, as `train` does one. Their checkpoint is that of all of
    them together, and no other group goes on from it."""
    group, spec, status = first.group, first.spec, dict[str, tuple[Status, str]]()
    for job in group:
        _ensure_same(job, registry)
    seeds = [job.spec.seed for job in group]
    folder = results / "checkpoints" / first.key / f"seeds-{'-'.join(map(str, seeds))}"
    saved = _usable(Checkpoints(folder, told), records_held)
    saved.go_on_in({**environment(), "host": host(), "seeds_at_once": seeds})
    for job in group:
        yield Began(job.key, saved.records, saved.trained_on, saved.unused if job is first else "")
    members = [_member(job.spec, each, registry) for job, each in zip(group, data, strict=True)]
    used = _usage()
    try:
        for outcomes in run_group(members, spec.train, spec.evaluation, saved):
            ends = any(isinstance(outcome, Record) and outcome.boundary for outcome in outcomes)
            usage = used() if ends else {}
            for job, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, Diverged):
                    status[job.key] = Status.FAILED, str(outcome)
                else:
                    yield Recorded(job.key, replace(outcome, cost=outcome.cost | usage))
    except Interrupted:
        yield Paused(first.key)
        return
    done = [Done(job.key, *status.get(job.key, (Status.FINISHED, ""))) for job in group]
    yield replace(done[0], beside=tuple(done[1:]))
    shutil.rmtree(folder.parent, ignore_errors=True)


def _member(spec: RunSpec, data: IndexedDataset, registry: Registry) -> Member:
    _, model, strategies = instances(spec, registry)
    return Member(data, model, strategies, spec.seed)


def _usable(saved: Checkpoints, records_held: int) -> Checkpoints:
    """Without a checkpoint that was taken after more records than there are."""
    if saved.records > records_held:
        saved.drop(f"it was taken after {saved.records} records, of which {records_held} are there")
    return saved


def _usage() -> Callable[[], dict[str, float]]:
    """What tells, when it is called, how busy this process was since then and the machine is."""
    process = psutil.Process()
    process.cpu_percent()  # counts from here
    return lambda: {"cpu_percent": process.cpu_percent(), "load_average": psutil.getloadavg()[0]}


def _ensure_same(job: Job, registry: Registry) -> None:
    """Raises: UserError: the key that this process computes for a run is not the one it was asked for."""
    if (key := run_key(job.spec, job.data, registry)) != job.key:
        raise UserError(
            f"the training process computes key {key} for this run: its torch, numpy, multiepoch or plug-ins are not "
            "those of the process that asked for it; run the plan again once nothing changes any more"
        )
