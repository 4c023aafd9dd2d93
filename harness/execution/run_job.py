"""Train one run and write its records."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.base.environment import environment
from harness.data.indexed import IndexedDataset
from harness.engine.checkpoint import Checkpoints
from harness.engine.run import Diverged, run
from harness.experiment.instantiate import instances
from harness.experiment.plan import RunSpec
from harness.plugins.registry import Registry
from harness.results import records
from harness.results.keys import Status
from harness.results.records import Record, RunWriter


def execute(
    spec: RunSpec, key: str, data: IndexedDataset, registry: Registry, results: Path, report: Callable[[Record], None]
) -> tuple[Status, str]:
    """Train a run, from its checkpoint if it has one, and write its records.

    Returns its status and, if it failed, the reason.
    """
    checkpoints = Checkpoints(results / "runs" / key)
    if checkpoints.epoch and not records.holds(results / "runs", key, checkpoints.epoch):
        checkpoints.drop()
    usage = _Usage()
    writer = RunWriter(results / "runs", key, spec.model_dump(mode="json"), environment(), keep=checkpoints.epoch)
    _, model, strategies = instances(spec, registry)
    for record in writer.kept:
        report(record)
    status, reason = Status.FINISHED, ""
    try:
        for record in run(data, model, strategies, spec.train, spec.evaluation, spec.seed, checkpoints):
            shown = replace(record, cost=record.cost | usage.lap()) if record.boundary else record
            writer.append(shown)
            report(shown)
    except Diverged as error:
        status, reason = Status.FAILED, str(error)
    writer.finish(status, reason)
    checkpoints.clear()
    return status, reason


class _Usage:
    """How busy this process and the machine are, from epoch to epoch."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def lap(self) -> dict[str, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        share = (cpu - self._cpu) / (wall - self._wall)
        self._wall, self._cpu = wall, cpu
        return {"cpu_percent": 100 * share, "load_average": os.getloadavg()[0]}
