"""How far plans are, from files alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import psutil
import pytest
from support.command_line import multiepoch
from support.plans import PLAN, Inline, Watcher, go, plan_of
from support.tracking import write_plan

from harness.base.errors import UserError
from harness.base.heartbeat import STALE
from harness.base.owner import host, owner
from harness.execution.ledger import Ledger
from harness.execution.observer import Observer
from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.plugins.registry import Registry
from harness.results.launches import Launch, launch_file, read_launch, write_launch
from harness.results.records import Record
from harness.results.run_reader import read
from harness.results.status import PlanStatus, statuses
from harness.search.job import Job

BROKEN = '''"""Fails."""
from harness.api import Strategy, Tables

class Broken(Strategy):
    name = "broken"
    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        raise ValueError("oh [/no]")
'''


class Looking(Watcher):
    """Looks at every record, as somebody at another terminal would."""

    def __init__(self, results: Path, stop_after: int = 1000) -> None:
        super().__init__()
        self._results, self._stop_after = results, stop_after
        self.seen = list[PlanStatus]()

    def recorded(self, job: Job, record: Record) -> None:
        super().recorded(job, record)
        self.seen += statuses(self._results)
        if len(self.seen) >= self._stop_after:
            raise KeyboardInterrupt


@pytest.fixture
def looked(tmp_path: Path) -> tuple[Path, list[PlanStatus]]:
    """A plan of three runs, one of which fails; and what was to be seen while it ran."""
    (tmp_path / "broken.py").write_text(BROKEN)
    plan = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]", 'strategies=["none", "reinit", "broken"]')
    results, registry = tmp_path / "results", Registry(tmp_path)
    looking = Looking(results)
    observers: list[Observer] = [Ledger(results, plan.name), looking]
    launch(plan, prepare(plan, registry, results), results, Inline(JobRunner(results, tmp_path)), observers)
    return results, looking.seen


def test_it_tells_what_runs_where_and_how_long_the_rest_takes(looked: tuple[Path, list[PlanStatus]]) -> None:
    results, seen = looked
    assert [(s.state, s.done, len(s.running), s.queued, s.runs) for s in seen[:4]] == [("running", 0, 1, 2, 3)] * 4
    (run,) = seen[1].running
    assert (run.name, run.owner, run.host, run.at) == ("powerlaw/dnn/none seed 1", owner(), host(), "epoch 1.00")
    assert seen[0].left_s is None
    later = seen[4]
    assert later.done == 1
    assert later.left_s is not None
    (ended,) = statuses(results)
    assert (ended.state, ended.queued, ended.running, ended.left_s) == ("complete", 0, (), None)
    ((name, why),) = ended.failed.items()
    assert name == "powerlaw/dnn/broken seed 1"
    assert "oh [/no]" in why
    env = read(results / "runs", run.key).env
    assert (env["owner"], env["host"]) == (owner(), host())


def test_a_driver_that_is_gone_has_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, results = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]"), tmp_path / "results"
    observers: list[Observer] = [Ledger(results, plan.name), Looking(results, stop_after=2)]
    with pytest.raises(KeyboardInterrupt):
        launch(plan, prepare(plan, Registry(), results), results, Inline(JobRunner(results, None)), observers)
    assert statuses(results)[0].state == "running", "this process lives on"
    old = time.time() - STALE - 1
    os.utime(launch_file(results, plan.name), (old, old))
    assert statuses(results)[0].state == "running", "suspended, or beside a clock that is off"
    with monkeypatch.context() as patch:

        def gone(pid: int) -> psutil.Process:
            raise psutil.NoSuchProcess(pid)

        patch.setattr(psutil, "Process", gone)
        (stopped,) = statuses(results)
        assert (stopped.state, stopped.running, stopped.queued) == ("stopped", (), 2)
        found = read_launch(results, plan.name)
        assert found is not None
        found.host = "elsewhere"
        write_launch(results, plan.name, found)
        assert statuses(results)[0].state == "running", "another machine is judged by its signs alone"
        os.utime(launch_file(results, plan.name), (old, old))
        assert statuses(results)[0].state == "stopped"


def test_another_process_of_the_same_number_is_not_the_driver(tmp_path: Path) -> None:
    launch = Launch(3, begun=psutil.Process().create_time() - 3600)
    assert not launch.alive
    assert Launch(3).alive


def test_a_larger_launch_that_was_killed_early_is_not_complete(tmp_path: Path) -> None:
    """What the one before came to stays until the first arm is done."""
    plan, results = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]"), tmp_path / "results"
    go(plan, results)
    assert statuses(results)[0].state == "complete"
    write_launch(results, plan.name, Launch(20, pid=2**22 + 1))
    (killed,) = statuses(results)
    assert (killed.state, killed.queued) == ("stopped", 20)


def test_plans_of_before_and_damaged_files_are_told_of_too(tmp_path: Path) -> None:
    write_plan(tmp_path)
    (tmp_path / "plans" / "other.json").write_text("{")
    (tmp_path / "launches").mkdir()
    (tmp_path / "launches" / "plan.json").write_text("{")
    other, plan = statuses(tmp_path)
    assert "is damaged" in other.problem
    assert (plan.state, plan.done, plan.runs) == ("complete", 7, 7)
    assert plan.failed == {"powerlaw/dnn/reinit seed 2": "the loss is not a finite number"}


def test_the_command_fits_a_screen_and_speaks_json(looked: tuple[Path, list[PlanStatus]], tmp_path: Path) -> None:
    shown = multiepoch("status", cwd=tmp_path)
    assert shown.returncode == 0
    assert "complete" in shown.stdout
    assert "tiny: powerlaw/dnn/broken seed 1: ValueError at broken.py:7: oh [/no]" in shown.stdout
    (told,) = json.loads(multiepoch("status", "tiny", "--json", cwd=tmp_path).stdout)
    assert (told["plan"], told["state"], told["done"]) == ("tiny", "complete", 3)
    assert "did you mean 'tiny'?" in multiepoch("status", "tyni", cwd=tmp_path).stderr
    with pytest.raises(UserError, match="no plan was run in results folder"):
        statuses(tmp_path / "elsewhere")
