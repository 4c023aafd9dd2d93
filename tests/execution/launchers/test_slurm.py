"""Runs as jobs: processes that submitit starts here stand in for those of SLURM."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from support.local_jobs import LocalJobs
from support.plans import PLAN, Watcher, go, plan_of, record_bytes
from support.slurm import missing

from harness.base.errors import UserError
from harness.base.notice import Notice, Stopped
from harness.execution.launcher import Began, Event
from harness.execution.launchers import slurm
from harness.execution.launchers.choice import launcher_of
from harness.execution.launchers.slurm import Slurm
from harness.execution.launchers.where import Kind, Where
from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.plugins.registry import Registry
from harness.results.keys import RunRole
from harness.results.plan_results import PlanResult
from harness.search.job import Job

WITHOUT_SLURM = pytest.mark.skipif(not missing(), reason="test_slurm_cluster.py tries it on a real SLURM")
SLEEPS = '''"""Sleeps in its second epoch, once."""
import os, pathlib, time
from harness.api import Strategy, Tables

class Sleeps(Strategy):
    name = "sleeps"
    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        marker = pathlib.Path({marker!r})
        if epoch == 2 and not marker.exists():
            marker.write_text(str(os.getpid()))
            time.sleep(900)
'''
OVERRIDES = ("search.trials=0", "seeds=[1]", "strategies=['none', 'sleeps']")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalJobs]:
    jobs = LocalJobs(tmp_path / "local")
    yield jobs
    jobs.wait()


@WITHOUT_SLURM
def test_a_killed_job_costs_nothing_and_records_are_those_of_this_machine(
    tmp_path: Path, local: LocalJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "LAG", 0.5)
    marker, plugins, results = tmp_path / "asleep", tmp_path / "plugins", tmp_path / "results"
    plugins.mkdir()
    (plugins / "sleeps.py").write_text(SLEEPS.format(marker=str(marker)))
    plan, watcher = plan_of(tmp_path, PLAN, *OVERRIDES), Watcher()

    def kill() -> None:
        while not marker.exists() or not marker.read_text():
            pass
        os.kill(int(marker.read_text()), signal.SIGKILL)

    Thread(target=kill, daemon=True).start()
    launcher = Slurm(local, None, plugins, results, results / "jobs" / "tiny")
    result = launch(plan, prepare(plan, Registry(plugins), results), results, launcher, [watcher])
    assert result.complete
    assert [run.status for run in watcher.runs] == ["finished", "finished"]
    assert not (results / "jobs" / "tiny").exists()
    go(plan, tmp_path / "here", plugins=plugins)
    assert record_bytes(results) == record_bytes(tmp_path / "here")


SLOW = '''"""Is slow in its second epoch, once, and tells who is told in which step."""
import os, pathlib, signal, time
from harness.api import RowStep, Strategy

class Sleeps(Strategy):
    name = "sleeps"
    def on_rows(self, step: RowStep) -> RowStep:
        with pathlib.Path({marker!r}).open("a") as file:
            file.write(f"{{step.step}} ")
        if step.epoch == 2 and not pathlib.Path({marker!r} + ".pid").exists():
            pathlib.Path({marker!r} + ".pid").write_text(str(os.getpid()))
            {how}
        pid = pathlib.Path({marker!r} + ".pid")
        if pid.exists() and pid.read_text() == str(os.getpid()):
            time.sleep(0.1)
        return step
'''


@pytest.mark.parametrize("told", [pytest.param("job", marks=WITHOUT_SLURM), "launch"])
def test_notice_costs_no_step(told: str, tmp_path: Path, local: LocalJobs) -> None:
    """SLURM tells a job some time before it ends or preempts it; scancel sends a job SIGTERM, as `cancel` does here."""
    steps, plugins, results = tmp_path / "steps", tmp_path / "plugins", tmp_path / "results"
    plugins.mkdir()
    how = "os.kill(os.getpid(), signal.SIGUSR2)" if told == "job" else "pass"
    (plugins / "sleeps.py").write_text(SLOW.format(marker=str(steps), how=how))
    plan, notice = plan_of(tmp_path, PLAN, *OVERRIDES), Notice()

    def tell() -> None:
        while not steps.with_name("steps.pid").exists():
            time.sleep(0.01)
        notice.number = signal.SIGTERM

    def started() -> PlanResult:
        launcher = Slurm(local, None, plugins, results, results / "jobs" / "tiny")
        return launch(plan, prepare(plan, Registry(plugins), results), results, launcher, notice=notice)

    if told == "launch":
        Thread(target=tell, daemon=True).start()
        with pytest.raises(Stopped):
            started()
        assert not (results / "jobs" / "tiny").exists()
        notice.number = None
    assert started().complete
    assert steps.read_text().split() == [str(step) for step in range(1, 21)]
    go(plan, tmp_path / "here", plugins=plugins)
    assert record_bytes(results) == record_bytes(tmp_path / "here")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(Notice, "heed", lambda self, *signals: None)  # this process is that of the tests
    plan = plan_of(tmp_path, PLAN, *OVERRIDES[:2])
    return prepare(plan, Registry(), tmp_path / "results")[0].job({}, RunRole.SEED, 1, 1)


def test_a_job_of_a_launch_whose_folder_is_gone_ends_at_the_next_thing_it_reports(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = tmp_path / "events"
    events.touch()

    def run(self: JobRunner, job: Job, records_held: int) -> Iterator[Event]:
        events.unlink()
        yield Began(job.key, 0, [])
        raise AssertionError("it went on")

    monkeypatch.setattr(JobRunner, "run", run)
    with pytest.raises(FileNotFoundError):
        slurm._train(job, 0, None, tmp_path / "results", events)


def test_a_job_that_slurm_starts_again_trains_nothing(tmp_path: Path, job: Job) -> None:
    """It would go on from the records that the scheduler had when it was submitted."""
    (tmp_path / "events").write_bytes(b"half an event")
    with pytest.raises(RuntimeError, match="started again"):
        slurm._train(job, 0, None, tmp_path / "results", tmp_path / "events")
    assert (tmp_path / "events").read_bytes() == b"half an event"


SBATCH = """#!/bin/sh
cp "$1" {script}
test -e {full} && {{ echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; }}
echo "Submitted batch job 17"
"""


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command that keeps the script it is given, and refuses it if there is a file called `full`."""
    command = tmp_path / "bin" / "sbatch"
    command.parent.mkdir()
    command.write_text(SBATCH.format(script=tmp_path / "script", full=tmp_path / "full"))
    command.chmod(0o755)
    (command.parent / "sinfo").write_text("#!/bin/sh\necho '4|gpu:a100:2(S:0-1)'; echo '64|(null)'")
    (command.parent / "sinfo").chmod(0o755)
    for other in ("squeue", "srun", "scancel"):
        (command.parent / other).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    return tmp_path


def test_a_job_asks_for_what_a_run_is_to_have_and_leaves_the_time_to_sbatch(sbatch: Path, job: Job) -> None:
    plan = plan_of(sbatch, PLAN, *OVERRIDES[:2])
    with launcher_of(Where(Kind.SLURM, 8, 3, 2), plan, None, sbatch / "results") as launcher:
        assert launcher.free == 8
        launcher.submit(job, 0)
        assert launcher.free == 7
        script = (sbatch / "script").read_text()
        (sbatch / "full").touch()
        with pytest.raises(UserError, match=r"sbatch refuses a run with --cpus 3 --gpus 2: .*QOSMaxSubmit"):
            launcher.submit(job, 0)
    assert "#SBATCH --cpus-per-task=3\n" in script
    assert "#SBATCH --gpus-per-node=2\n" in script
    assert "srun" in script
    assert "--cpus-per-task=3" in script.partition("srun")[2]
    assert "#SBATCH --no-requeue\n" in script
    assert "--time" not in script


def test_what_no_node_has_is_refused_before_anything_is_built(sbatch: Path) -> None:
    with pytest.raises(UserError, match=r"^a run with 8 CPUs and 1 GPUs: .* 4 CPUs and 2 GPUs; 64 CPUs and 0 GPUs$"):
        launcher_of(Where(Kind.SLURM, cpus=8, gpus=1), plan_of(sbatch), None, sbatch)


def test_a_share_of_a_gpu_is_refused(sbatch: Path) -> None:
    with pytest.raises(UserError, match=r"^--gpus 0.25: SLURM gives whole ones; accepted: 1$"):
        launcher_of(Where(Kind.SLURM, gpus=0.25), plan_of(sbatch), None, sbatch)


def test_a_machine_without_sbatch_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no sbatch on this machine"):
        launcher_of(Where(Kind.SLURM), plan_of(tmp_path), None, tmp_path)
