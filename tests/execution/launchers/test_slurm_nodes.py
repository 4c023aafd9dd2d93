"""Runs as jobs of a real SLURM of two nodes, one of which dies; skipped where it is not installed."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Thread

import psutil
from support.slow_jobs import command, slow, slurm_of, trained, waiting
from support.slurm import Cluster

from harness.execution.launchers.where import Kind, Where


def die(cluster: Cluster, node: str, job: str) -> None:
    """All of a node at once, as by a loss of power: its server, and the job on it before it can tell anyone."""
    cluster.nodes[node].send_signal(signal.SIGKILL)
    steps = [p for p in psutil.process_iter(["cmdline"]) if f"slurmstepd: [{job}." in " ".join(p.info["cmdline"] or [])]
    below = [child for step in steps for child in step.children(recursive=True)]
    for process in (*steps, *below):
        process.kill()
    command("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=power")  # SLURM takes 25 s to find out


def test_the_run_of_a_node_that_died_goes_on_at_another_from_its_last_checkpoint(tmp_path: Path) -> None:
    plan, jobs, nodes = slow(tmp_path), list[str](), list[str]()

    def kill(cluster: Cluster) -> None:
        for _ in range(3):
            jobs.append(waiting(tmp_path, jobs))
            nodes.append(command("squeue", "--noheader", "--format=%N", f"--jobs={jobs[-1]}").strip())
            if len(jobs) == 1:
                command("scancel", "--signal=USR2", jobs[0])  # it saves a checkpoint
            if len(jobs) == 2:
                die(cluster, nodes[1], jobs[1])
        (tmp_path / "enough").touch()

    with slurm_of(2) as cluster:
        Thread(target=kill, args=(cluster,), daemon=True).start()
        trained(plan, tmp_path, Where(Kind.SLURM, cpus=2))
        assert command("squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={jobs[1]}") == "NODE_FAIL\n"
    noted = [line.split() for line in (tmp_path / "steps").read_text().splitlines()]
    assert nodes[1] != nodes[2]
    steps = [[int(step) for job, step in noted if job == each] for each in jobs]
    assert steps == [[*range(1, 12)], [12], [*range(12, 21)]]
