"""Figures of whole plans: what is not training, and what worker processes bring."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.api import UserError
from harness.results.plan_results import read_plan_result
from perf.measure import ROOT

PLAN = ROOT / "plans" / "quick.toml"
SMALL = ("strategies=['none', 'reinit']", "seeds=[1, 2]", "search.trials=0", "train.epochs=2", "train.batch_size=4096")


def outside_training(results: Path, plan: str = "quick") -> float | None:
    """The share of the runs' time that is not in `train_s`; None if the plan was not run here.

    A run lasts from its first file to its last: drawing tables, evaluation, records, and telling them to MLflow's
    process all count.
    """
    try:
        result = read_plan_result(results, plan)
    except UserError:
        return None
    keys = {key for arm in result.arms for key in arm.runs.values()}
    keys |= {trial.key for arm in result.arms for trial in arm.trials}
    whole, trained = 0.0, 0.0
    for folder in (results / "runs" / key for key in sorted(keys)):
        if (folder / "done").exists() and (folder / "costs.jsonl").exists():
            whole += (folder / "done").stat().st_mtime - (folder / "env.json").stat().st_mtime
            costs = [json.loads(line) for line in (folder / "costs.jsonl").read_text().splitlines()]
            trained += sum(c["train_s"] for c in costs)
    return 1 - trained / whole if whole else None


def workers_gain() -> float:
    """Wall time of a small plan in one process with two threads, over that in two processes with one thread each.

    The data set is built before; MLflow, report and the start of the processes are in the time.
    """
    with tempfile.TemporaryDirectory() as folder:
        one, two = (_wall(Path(folder) / f"workers-{w}", w, threads) for w, threads in ((1, 2), (2, 1)))
    return one / two


def _wall(results: Path, workers: int, threads: int) -> float:
    sets = [part for value in (*SMALL, f"train.threads={threads}") for part in ("--set", value)]
    common = [str(PLAN), "--results", str(results), *sets]
    multiepoch("data", "describe", *common)
    start = time.perf_counter()
    multiepoch("benchmark", *common, "--workers", str(workers))
    return time.perf_counter() - start


def multiepoch(*arguments: str) -> None:
    """Run a command of ours, in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", "harness.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"multiepoch {arguments[0]} failed: {done.stderr.strip()[-500:]}")
