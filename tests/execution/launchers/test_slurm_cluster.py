"""Runs as jobs of a real SLURM of one node, which the tests start and stop; skipped where it is not installed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread

import pytest
from support.plans import PLAN, go, plan_of, record_bytes
from support.slurm import one_node

from harness.base.errors import UserError
from harness.execution.launchers import slurm, slurm_jobs
from harness.execution.launchers.choice import launcher_of
from harness.execution.launchers.where import Kind, Where
from harness.execution.prepare import prepare
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.results.keys import RunRole

ALONE = Where(Kind.SLURM, cpus=2)
"""One job at a time, as the node has two CPUs."""
SLOW = '''"""Notes the steps of each job, and stops in epoch 2 until the job is told to end, or enough of them were."""
import os, signal, time
from pathlib import Path
from harness.api import RowStep, Strategy

HERE = Path({folder!r})

class Slow(Strategy):
    name = "slow"
    def on_rows(self, step: RowStep) -> RowStep:
        if job := os.environ.get("SLURM_JOB_ID"):
            with (HERE / "steps").open("a") as file:
                file.write(f"{{job}} {{step.step}}\\n")
            told = signal.getsignal(signal.SIGTERM).__self__
            while step.epoch == 2 and told.number is None and not (HERE / "enough").exists():
                (HERE / f"waits {{job}}").write_text(str(os.getpid()))
                time.sleep(0.02)
        return step
'''


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with one_node() as conf, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(conf))
        patch.setattr(slurm, "LAG", 0.5)
        patch.setattr(slurm_jobs, "ASK", 0.5)
        yield


def slow(folder: Path, *others: str) -> Plan:
    (folder / "plugins").mkdir()
    (folder / "plugins" / "slow.py").write_text(SLOW.format(folder=str(folder)))
    return plan_of(folder, PLAN, "search.trials=0", "seeds=[1]", f"strategies={[*others, 'slow']}")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return slow(tmp_path)


def waiting(folder: Path, before: Sequence[str] = ()) -> str:
    """A job that has stopped, once one has; not those of before."""
    while not (jobs := {path.name.split()[1] for path in folder.glob("waits *")} - set(before)):
        time.sleep(0.02)
    return jobs.pop()


def trained(plan: Plan, folder: Path) -> None:
    """Launch a plan with its plug-ins, one job at a time, and compare its records with those of this machine."""
    plugins, results = folder / "plugins", folder / "results"
    launcher = launcher_of(ALONE, plan, plugins, results)
    assert launch(plan, prepare(plan, Registry(plugins), results), results, launcher).complete
    assert not (results / "jobs" / "tiny").exists()
    go(plan, folder / "here", plugins=plugins)
    assert record_bytes(results) == record_bytes(folder / "here")


def command(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout + done.stderr


def known(form: str) -> set[str]:
    """What SLURM says of all the jobs that it remembers."""
    return set(command("squeue", "--me", "--noheader", "--states=all", f"--format={form}").splitlines())


def test_a_job_that_is_preempted_or_told_costs_no_step_and_one_that_is_killed_those_since_the_checkpoint(
    tmp_path: Path, plan: Plan
) -> None:
    said, jobs = list[str](), list[str]()

    def end() -> None:
        jobs.append(waiting(tmp_path))
        said.append(command("scontrol", "requeue", jobs[-1]))
        said.append(command("sbatch", "--partition=urgent", "--cpus-per-task=2", "--output=/dev/null", "--wrap=true"))
        jobs.append(waiting(tmp_path, jobs))
        said.append(command("scancel", "--signal=USR2", jobs[-1]))  # as when its time is up
        jobs.append(waiting(tmp_path, jobs))
        os.kill(int((tmp_path / f"waits {jobs[-1]}").read_text()), signal.SIGKILL)
        (tmp_path / "enough").touch()

    Thread(target=end, daemon=True).start()
    trained(plan, tmp_path)
    noted = [line.split() for line in (tmp_path / "steps").read_text().splitlines()]
    first, second, third = jobs
    *_, fourth = (job for job, _ in noted)
    assert [int(step) for job, step in noted if job == first] == [*range(1, 12)]
    assert [int(step) for job, step in noted if job in (second, third)] == [12, 13]
    assert [int(step) for job, step in noted if job == fourth] == [*range(13, 21)]
    assert "disabled" in said[0], "SLURM is to start no job again"
    assert {f"{first} COMPLETED", f"{second} COMPLETED"} <= known("%A %T"), "they were to end of themselves"


def test_jobs_that_a_killed_launch_has_left_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = slow(tmp_path, "none")
    plugins, results = tmp_path / "plugins", tmp_path / "results"
    arms = prepare(plan, Registry(plugins), results)
    killed = launcher_of(ALONE, plan, plugins, results).__enter__()
    with monkeypatch.context() as inside:  # of a job of SLURM, whose memory is not meant for others
        inside.setenv("SLURM_JOB_ID", "1")
        inside.setenv("SLURM_MEM_PER_NODE", "50")
        for arm in reversed(arms):  # `slow` first: the other waits in the queue
            killed.submit(arm.job({}, RunRole.SEED, 1, 1), 0)
    job = waiting(tmp_path)
    left = known("%A %j")
    (tmp_path / "enough").touch()
    trained(plan, tmp_path)
    assert known("%A %j") == left
    assert {line.split()[0] for line in (tmp_path / "steps").read_text().splitlines()} == {job}


def test_what_can_never_run_is_refused(tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UserError, match=r"^a run with 3 CPUs and 0 GPUs: no node of SLURM has them; .*: 2 CPUs and 0 G"
    ):
        launcher_of(Where(Kind.SLURM, cpus=3), plan, None, tmp_path)
    (arm,) = prepare(plan, Registry(tmp_path / "plugins"), tmp_path / "results")
    job = arm.job({}, RunRole.SEED, 1, 1)
    monkeypatch.setenv("SBATCH_MEM_PER_CPU", "64000")
    with launcher_of(ALONE, plan, None, tmp_path) as launcher:
        with pytest.raises(UserError, match=r"sbatch refuses a run with --cpus 2 --gpus 0: .*Memory specification"):
            launcher.submit(job, 0)
        monkeypatch.delenv("SBATCH_MEM_PER_CPU")
        monkeypatch.setenv("SBATCH_TIMELIMIT", "90")
        launcher.submit(job, 0)
        with pytest.raises(UserError, match="would wait in SLURM for ever: PartitionTimeLimit; accepted: "):
            list(launcher.events(timeout=30))
    assert job.key not in command("squeue", "--me", "--noheader", "--format=%j")
