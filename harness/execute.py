"""Build a data set, or train one run, in whatever process is at hand; both leave their result on disk."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from harness import ENGINE, __version__, corpus, records, seeds
from harness.api import UserError
from harness.checkpoint import Checkpoints
from harness.corpus import Corpus
from harness.records import Record, RunWriter
from harness.registry import Registry, build
from harness.resolve import instances
from harness.spec import PluginSpec, RunSpec, data_key
from harness.train import Diverged, run


def data_folder(results: Path, key: str) -> Path:
    return results / "data" / key


def build_data(dataset: PluginSpec, seed: int, registry: Registry, results: Path) -> str:
    """The key of a data set that is on disk afterwards.

    Raises:
        UserError: the data cannot be built, trained or evaluated on.
    """
    key = data_key(dataset, seed, registry)
    folder = data_folder(results, key)
    if not folder.exists():
        plugin = build(registry.datasets, "data set", dataset.name, dataset.params)
        data = plugin.stream(seeds.generator(seed, "data", dataset.name))
        try:
            corpus.save(data, folder, dataset.name)
        except OSError as error:
            raise UserError(f"data set '{dataset.name}' cannot be written to '{folder}': {error.strerror}") from error
    return key


def execute(
    spec: RunSpec, key: str, data: Corpus, registry: Registry, results: Path, report: Callable[[Record], None]
) -> tuple[str, str]:
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
    status, reason = "finished", ""
    try:
        for record in run(data, model, strategies, spec.train, spec.evaluation, spec.seed, checkpoints):
            shown = replace(record, cost=record.cost | usage.lap()) if record.boundary else record
            writer.append(shown)
            report(shown)
    except Diverged as error:
        status, reason = "failed", str(error)
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


@lru_cache(maxsize=1)
def environment() -> dict[str, str | int]:
    """Machine and versions."""
    return {
        "multiepoch": __version__,
        "engine": ENGINE,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{_cpu()} ({platform.system()} {platform.machine()})",
        "cores": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"
