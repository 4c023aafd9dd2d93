"""A run trained in the process of the test, its folder written as the scheduler writes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from harness.data.indexed_dataset import IndexedDataset
from harness.engine.checkpoint import Checkpoints
from harness.execution.launcher import Began, Done, Recorded
from harness.execution.run_folders import RunFolders
from harness.execution.run_job import train
from harness.plugins.registry import Registry
from harness.results.records import Record, Run
from harness.search.job import Job


def checkpoints_of(job: Job, results: Path) -> Path:
    return results / "checkpoints" / job.key


def often_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint every few steps, not every minute."""
    asked = count(1)
    monkeypatch.setattr(Checkpoints, "due", lambda self: next(asked) % 4 == 0)


def train_here(
    job: Job, data: IndexedDataset, registry: Registry, results: Path, see: Callable[[Record], None] = lambda _: None
) -> Run:
    """Train a run, from its checkpoint if it has one. see: called with each record, kept ones first."""
    folders = RunFolders(results)
    assert folders.claim(job.key)
    for event in train(job, folders.records_held(job.key), data, registry, results):
        if isinstance(event, Began):
            for record in folders.begin(job, event):
                see(record)
        elif isinstance(event, Recorded):
            folders.append(job.key, event.record)
            see(event.record)
        elif isinstance(event, Done):
            run = folders.finish(event)
    return run
