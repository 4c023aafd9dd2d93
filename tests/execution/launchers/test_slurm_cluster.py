"""Runs as jobs of a real SLURM of one node, which the tests start and stop; skipped where it is not installed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from support.slow_jobs import command, slow, slurm_of, trained, waiting

from harness.base.errors import UserError
from harness.execution.launchers.choice import launcher_of
from harness.execution.launchers.where import Kind, Where
from harness.execution.prepare import prepare
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.results.keys import RunRole

ALONE = Where(Kind.SLURM, cpus=2)
"""One job at a time, as the node has two CPUs."""


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with slurm_of(1):
        yield


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return slow(tmp_path)


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
    trained(plan, tmp_path, ALONE)
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
    trained(plan, tmp_path, ALONE)
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
