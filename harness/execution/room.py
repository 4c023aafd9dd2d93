"""Whether all training processes fit in memory side by side, asked before any of them starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from harness.api import defining
from harness.base.errors import UserError
from harness.base.memory import MIB, free_memory, sized
from harness.data import indexed
from harness.data.build import data_folder
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.evaluation_memory import evaluation_bytes, sizes
from harness.engine.table_memory import SMALLER, table_bytes
from harness.engine.trainer import table_spec
from harness.experiment.instantiate import instances
from harness.plugins.registry import Registry
from harness.search.job import Job

PROCESS = 250 * MIB
"""Bytes that a training process holds beside its table, at least: torch and what it compiles."""


def ensure_room(jobs: Sequence[Job], workers: int, results: Path, registry: Registry) -> None:
    """Refuse so many workers if the largest of the first jobs, one for each, do not fit together.

    The table of a job that a strategy decides about is left to the process that trains it, which knows its rows.

    Raises:
        UserError: they do not.
    """
    size_of = measure(results, registry)
    largest = sorted((PROCESS + size_of(job) for job in jobs), reverse=True)[:workers]
    free = free_memory()
    if sum(largest) > free:
        fit = max(n for n in range(len(largest) + 1) if sum(largest[:n]) <= free)
        what = "one run takes" if len(largest) == 1 else f"{len(largest)} runs side by side take"
        raise UserError(
            f"{what} at least {sized(sum(largest))} of memory, tables included; "
            f"{sized(free)} is free; accepted: {f'--workers {fit}' if fit else SMALLER}"
        )


def measure(results: Path, registry: Registry) -> Callable[[Job], int]:
    """Bytes of a job's evaluation and of its table with a row per training id, at least.

    The table counts as nothing where a strategy or a device decides otherwise.
    """

    @lru_cache
    def load(data: str) -> tuple[IndexedDataset, int]:
        """And the rows of its table."""
        found = indexed.load(data_folder(results, data))
        rows = sum(int((count_V > 0).sum()) + 1 for count_V in found.count_V)
        return found, rows + 2 * len(found.kinds.numbers)

    def size(job: Job) -> int:
        data, rows = load(job.data)
        tasks, train = len(data.tasks), job.spec.train
        evaluated = evaluation_bytes(*sizes(data, job.spec.evaluation), tasks)
        with suppress(Exception):  # of a plug-in; the run will say it
            _, model, strategies = instances(job.spec, registry)
            decided = any(defining(hook, strategies) for hook in ("encoder", "network"))
            if train.device == "cpu" and not decided:
                return evaluated + table_bytes(rows, model.width(tasks), table_spec(train, strategies).optimizer)
        return evaluated

    return size
