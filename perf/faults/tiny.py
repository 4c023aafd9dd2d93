"""A plan of a second, run in this process, whose records other runs of it must equal byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from harness.engine.checkpoint import Checkpoints
from harness.execution.launcher import Event
from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.results.records import Record
from harness.search.job import Job
from perf.faults.cases import PLAN

TINY = PLAN.replace('"mine"', '"reinit"')


class Cut(Exception):
    """Stands for the end of a process in the middle of a run."""


class Here:
    """A launcher that trains one run at a time in this process. cut: the epoch, from 1, in which a run is lost."""

    def __init__(self, results: Path, cut: int = 0) -> None:
        self._runner, self._cut, self._asked = JobRunner(results, None), cut, list[tuple[Job, int]]()

    @property
    def free(self) -> int:
        return int(not self._asked)

    def submit(self, job: Job, records_held: int) -> None:
        self._asked.append((job, records_held))

    def events(self, timeout: float) -> Iterator[Event]:
        for event in self._runner.run(*self._asked.pop()):
            record = getattr(event, "record", None)
            if self._cut and isinstance(record, Record) and record.epoch == self._cut:
                raise Cut
            yield event

    def pause(self) -> None: ...

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None: ...


def plan_in(folder: Path) -> Plan:
    path = folder / "plan.toml"
    path.write_text(TINY, encoding="utf-8")
    return load_plan(path)


def go(plan: Plan, results: Path, cut: int = 0) -> dict[str, bytes]:
    """Run a plan. Returns its records by the keys of its runs."""
    launcher = Here(results, cut)
    result = launch(plan, prepare(plan, Registry(), results), results, launcher)
    return records(results, {key for arm in result.arms for key in arm.runs.values()})


def records(results: Path, keys: set[str] | None = None) -> dict[str, bytes]:
    found = {path.parent.name: path.read_bytes() for path in results.glob("runs/*/records.jsonl")}
    return found if keys is None else {key: found.get(key, b"") for key in keys}


@contextmanager
def always_saving() -> Iterator[None]:
    """A checkpoint after every step, not every minute."""
    with mock.patch.object(Checkpoints, "due", return_value=True):
        yield
