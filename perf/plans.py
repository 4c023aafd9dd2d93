"""Figures of whole plans: how long one takes, what of it is not training, and what worker processes bring."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.base.places import ROOT
from harness.results.plan_results import read_plan_result
from harness.results.run_reader import lines

PLAN = ROOT / "plans" / "quick.toml"
SMALL = ("strategies=['none', 'reinit']", "seeds=[1, 2]", "search.trials=0", "train.epochs=2", "train.batch_size=4096")


@dataclass(frozen=True)
class PlanTimes:
    """whole_s: of the command. first_epoch_s: from its start to the records of the first epoch. outside: a share."""

    whole_s: float
    first_epoch_s: float
    outside: float


def plan_times() -> PlanTimes:
    """Run `quick` in a folder of its own, data and tracking included.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder, compiled() as env:
        start, first = time.perf_counter(), 0.0
        command = [sys.executable, "-m", "harness.cli", "benchmark", str(PLAN), "--results", folder]
        quiet = subprocess.DEVNULL
        running = subprocess.Popen(command, cwd=ROOT, env=env, stdout=quiet, stderr=quiet)
        while running.poll() is None:
            if not first and any(Path(folder, "runs").glob("*/costs.jsonl")):
                first = time.perf_counter() - start
            time.sleep(1 if first else 0.02)
        if running.returncode:
            raise RuntimeError(f"multiepoch benchmark quick failed: exit status {running.returncode}")
        return PlanTimes(time.perf_counter() - start, first, outside_training(Path(folder), PLAN.stem))


def outside_training(results: Path, plan: str) -> float:
    """The share of the runs' time that is not in `train_s`.

    A run lasts from its first file to its last: drawing tables, evaluation, records, and telling them to MLflow's
    process all count.

    Raises:
        UserError: the plan was not run here.
    """
    result = read_plan_result(results, plan)
    whole, trained = 0.0, 0.0
    for folder in (results / "runs" / key for key in sorted({key for arm in result.arms for key in arm.keys})):
        if (folder / "done").exists() and (folder / "costs.jsonl").exists():
            whole += (folder / "done").stat().st_mtime - (folder / "env.json").stat().st_mtime
            trained += sum(cost["train_s"] for cost in lines(folder / "costs.jsonl"))
    return 1 - trained / whole


def workers_gain() -> float:
    """Wall time of a small plan in one process with two threads, over that in two processes with one thread each.

    The data set is built before; MLflow, report and the start of the processes are in the time.
    """
    with tempfile.TemporaryDirectory() as folder, compiled() as env:
        one, two = (_wall(Path(folder) / f"workers-{w}", w, threads, env) for w, threads in ((1, 2), (2, 1)))
    return one / two


@contextmanager
def compiled() -> Iterator[dict[str, str]]:
    """An environment in which modules are compiled, as Python does once for all commands unless it is told not to."""
    with tempfile.TemporaryDirectory() as bytecode:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = bytecode
        multiepoch("benchmark", "smoke", "--results", str(Path(bytecode) / "results"), env=env)
        yield env


def _wall(results: Path, workers: int, threads: int, env: Mapping[str, str]) -> float:
    sets = [part for value in (*SMALL, f"train.threads={threads}") for part in ("--set", value)]
    common = [str(PLAN), "--results", str(results), *sets]
    multiepoch("data", "describe", *common, env=env)
    start = time.perf_counter()
    multiepoch("benchmark", *common, "--workers", str(workers), env=env)
    return time.perf_counter() - start


def multiepoch(*arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command of ours, in a process of its own. env: its environment, if not ours.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", "harness.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"multiepoch {arguments[0]} failed: {done.stderr.strip()[-500:]}")
