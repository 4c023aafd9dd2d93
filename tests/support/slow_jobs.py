"""A plan whose runs wait inside a job of SLURM, until a test has done to the job what it came for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.execution.launchers import slurm, slurm_jobs
from harness.execution.launchers.choice import launcher_of
from harness.execution.launchers.where import Where
from harness.execution.prepare import prepare
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from support.plans import PLAN, go, plan_of, record_bytes
from support.slurm import Cluster, cluster

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


@contextmanager
def slurm_of(nodes: int) -> Iterator[Cluster]:
    """A SLURM of so many nodes, which commands and launches inside use, and ask often."""
    with cluster(nodes) as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(found.conf))
        patch.setattr(slurm, "LAG", 0.5)
        patch.setattr(slurm_jobs, "ASK", 0.5)
        yield found


def slow(folder: Path, *others: str) -> Plan:
    (folder / "plugins").mkdir()
    (folder / "plugins" / "slow.py").write_text(SLOW.format(folder=str(folder)))
    return plan_of(folder, PLAN, "search.trials=0", "seeds=[1]", f"strategies={[*others, 'slow']}")


def waiting(folder: Path, before: Sequence[str] = ()) -> str:
    """A job that has stopped, once one has; not those of before."""
    while not (jobs := {path.name.split()[1] for path in folder.glob("waits *")} - set(before)):
        time.sleep(0.02)
    return jobs.pop()


def trained(plan: Plan, folder: Path, where: Where) -> None:
    """Launch a plan with its plug-ins, and compare its records with those of this machine."""
    plugins, results = folder / "plugins", folder / "results"
    launcher = launcher_of(where, plan, plugins, results)
    assert launch(plan, prepare(plan, Registry(plugins), results), results, launcher).complete
    assert not (results / "jobs" / "tiny").exists()
    go(plan, folder / "here", plugins=plugins)
    assert record_bytes(results) == record_bytes(folder / "here")


def command(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout + done.stderr
