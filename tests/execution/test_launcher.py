"""The seam between scheduling and training: any launcher will do, and none writes to the folders of runs."""

from __future__ import annotations

import socket
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from support.plans import PLAN, Inline, Watcher, go, plan_of, record_bytes

from harness.execution.fork_server import forked
from harness.execution.launcher import Began, Crashed, Done, Launcher, Recorded
from harness.execution.launchers.local_pool import LocalPool
from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.experiment.specs import PluginSpec, RunSpec
from harness.plugins.registry import Registry
from harness.results.keys import ArmId, RunRole, Status
from harness.results.plan_results import PlanResult
from harness.search.job import Job

SMALL = ("search.trials=0", "seeds=[1]", 'strategies=["reinit"]')


def launch_inline(folder: Path, results: Path, launcher: Launcher, *observers: Watcher) -> PlanResult:
    plan = plan_of(folder, PLAN, *SMALL)
    return launch(plan, prepare(plan, Registry(), results), results, launcher, observers)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the local pool writes."""
    folder = tmp_path_factory.mktemp("reference")
    go(plan_of(folder, PLAN, *SMALL), folder / "results", workers=1)
    return record_bytes(folder / "results")


def test_a_plugin_that_a_worker_cannot_load_is_why_its_run_ends(tmp_path: Path) -> None:
    """As where it is edited after the launch has read it."""
    (tmp_path / "mine.py").write_text("raise ValueError('half written')")
    none, spec = (PluginSpec(name=name) for name in ("none", "any"))
    job = Job(
        "key", RunSpec(dataset=spec, model=spec, strategy=(none,)), "data", ArmId("", "", ""), "", RunRole.SEED, 1
    )
    (event,) = JobRunner(tmp_path / "results", tmp_path).run(job, 0)
    assert isinstance(event, Crashed)
    assert "mine.py cannot be loaded: ValueError: half written" in event.reason


def test_workers_are_not_forked_where_the_server_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket in a folder of a longer name than the system lets it have."""
    monkeypatch.setattr(tempfile, "tempdir", "/" + "x" * 90)
    with socket.socket(socket.AF_UNIX) as each, pytest.raises(OSError, match="too long"):
        each.bind(f"{tempfile.gettempdir()}/pymp-12345678/listener-12345678")
    assert not forked()


def test_another_launcher_gives_the_same_records(tmp_path: Path, reference: dict[str, bytes]) -> None:
    results = tmp_path / "results"
    result = launch_inline(tmp_path, results, Inline(JobRunner(results, None)))
    assert result.complete
    assert record_bytes(results) == reference


def test_a_run_that_was_lost_is_submitted_again_with_the_records_that_are_there(
    tmp_path: Path, reference: dict[str, bytes]
) -> None:
    results, watcher = tmp_path / "results", Watcher()
    launcher = Inline(JobRunner(results, None), lost_after=[2])
    launch_inline(tmp_path, results, launcher, watcher)
    assert launcher.held == [0, 2]
    assert record_bytes(results) == reference
    assert [run.status for run in watcher.runs] == [Status.FINISHED]


def test_a_run_that_is_lost_twice_has_failed(tmp_path: Path) -> None:
    results, watcher = tmp_path / "results", Watcher()
    launch_inline(tmp_path, results, Inline(JobRunner(results, None), lost_after=[2, 0]), watcher)
    assert [(run.status, run.reason) for run in watcher.runs] == [(Status.FAILED, "lost")]
    (folder,) = results.glob("runs/*")
    assert (folder / "crash").exists()
    assert not (folder / "done").exists()


def test_a_checkpoint_that_cannot_be_used_is_said_to_be_so(tmp_path: Path, reference: dict[str, bytes]) -> None:
    results, said = tmp_path / "results", list[str]()
    plan = plan_of(tmp_path, PLAN, *SMALL)
    arms = prepare(plan, Registry(), results)
    folder = results / "checkpoints" / arms[0].job({}, RunRole.SEED, 1, 1).key
    folder.mkdir(parents=True)
    (folder / "checkpoint-1-0-0123.pt").write_bytes(b"damaged")
    launch(plan, arms, results, Inline(JobRunner(results, None)), say=said.append)
    assert said == [
        "powerlaw/dnn/reinit seed 1: its checkpoint is not used, as it is damaged: it is not what was once written; "
        "it trains from its beginning"
    ]
    assert record_bytes(results) == reference
    assert not folder.exists()


def test_arms_take_turns(tmp_path: Path) -> None:
    plan, watcher, results = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1, 2]"), Watcher(), tmp_path / "results"
    arms = prepare(plan, Registry(), results)
    launch(plan, arms, results, Inline(JobRunner(results, None)), [watcher])
    turns = [(job.arm.name, job.number) for job in watcher.trained]
    assert turns == [("none", 1), ("reinit", 1), ("none", 2), ("reinit", 2)]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    arm = prepare(plan_of(tmp_path, PLAN, *SMALL), Registry(), tmp_path / "results")[0]
    return arm.job({}, RunRole.SEED, 1, 1)


def test_a_worker_reports_everything_and_writes_to_no_run_folder(tmp_path: Path, job: Job) -> None:
    events = list(JobRunner(tmp_path / "results", None).run(job, 0))
    assert [type(event) for event in events] == [Began, *[Recorded] * 4, Done]
    assert isinstance(events[0], Began)
    (here,) = events[0].environments
    assert {"machine", "cores", "memory_gb", "torch", "host"} <= here.keys()
    assert isinstance(events[2], Recorded)
    assert {"cpu_percent", "load_average", "train_s", "train_cpu_s", "eval_cpu_s"} <= events[2].record.cost.keys()
    assert not (tmp_path / "results" / "runs").exists()


def test_a_worker_refuses_a_run_whose_key_it_would_not_give(tmp_path: Path, job: Job) -> None:
    (event,) = JobRunner(tmp_path / "results", None).run(replace(job, key="another"), 0)
    assert isinstance(event, Crashed)
    assert event.reason.startswith(f"the training process computes key {job.key} for this run: its torch, numpy")


PLUGIN = '''"""Changes under a launch."""
from harness.api import Strategy

class Changing(Strategy):
    name = "changing"
    level: int = {level}
'''


def test_a_plugin_that_changed_since_the_plan_was_checked_is_not_trained(tmp_path: Path) -> None:
    file, results, watcher = tmp_path / "changing.py", tmp_path / "results", Watcher()
    file.write_text(PLUGIN.format(level=1))
    plan = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]", 'strategies=["changing"]')
    arms = prepare(plan, Registry(tmp_path), results)
    file.write_text(PLUGIN.format(level=2))
    launch(plan, arms, results, LocalPool(1, tmp_path, results), [watcher])
    (run,) = watcher.runs
    assert run.status == Status.FAILED
    assert "plug-ins are not those of the process that asked for it" in run.reason
    assert record_bytes(results) == {}
