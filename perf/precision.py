"""What bfloat16 in the net's products does to AUC and logloss, by strategy and epoch: `python -m perf.precision`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.analysis.estimates import Estimate, estimate
from harness.base.environment import environment
from harness.base.places import ROOT
from harness.report.format import show
from harness.results.keys import ArmRole, MetricKey
from harness.results.plan_results import read_plan_result
from harness.results.records import Run
from harness.results.run_reader import read
from perf.markdown import table
from perf.plans import multiepoch

TABLE = ROOT / "results" / "tables" / "precision.md"
PRECISIONS = ("fp32", "bf16")
METRICS = ("auc", "logloss")
Runs = dict[str, dict[int, Run]]
"""Strategy -> seed -> run."""


def trained(plan: str, precision: str, sets: Sequence[str], results: Path) -> Runs:
    """The arms of a plan in one precision, without a search, from this folder where they are there already."""
    name = f"precision-{precision}"
    chosen = (*sets, f"name={name}", f"train.precision={precision}", "search.trials=0")
    overrides = [part for each in chosen for part in ("--set", each)]
    multiepoch("benchmark", plan, "--results", str(results), "--no-mlflow", *overrides)
    arms = [arm for arm in read_plan_result(results, name).arms if arm.role == ArmRole.ARM]
    return {a.strategy: {seed: read(results / "runs", key) for seed, key in a.runs.items()} for a in arms}


def change(exact: dict[int, Run], rounded: dict[int, Run], epoch: int, key: MetricKey) -> Estimate | None:
    """Of a metric at the end of an epoch, paired by seed."""
    pairs = [(exact[seed].boundaries, rounded[seed].boundaries) for seed in exact]
    ends = [(a[epoch - 1].metrics[key], b[epoch - 1].metrics[key]) for a, b in pairs if min(len(a), len(b)) >= epoch]
    return estimate(b - a for a, b in ends)


def lines(plan: str, sets: Sequence[str], found: dict[str, Runs]) -> Iterator[str]:
    exact, rounded = (found[precision] for precision in PRECISIONS)
    first = next(run for runs in exact.values() for run in runs.values())
    task, env = first.spec["evaluation"]["task"] or next(k.task for k in first.boundaries[0].metrics), environment()
    command = " ".join(("python -m perf.precision", plan, *(f"--set '{each}'" for each in sets)))
    yield from ("# Products in bfloat16", "", f"Written by `{command}`.", "")
    yield "Runs with `train.precision` bf16 minus those with fp32, of the same seeds: mean over seeds and 95 % interval"
    yield f"of valid {task}; no search, all knobs at their defaults."
    yield ""
    rows = []
    for strategy, runs in exact.items():
        for epoch in range(1, max(len(run.boundaries) for run in runs.values()) + 1):
            changes = [change(runs, rounded[strategy], epoch, MetricKey("valid", metric, task)) for metric in METRICS]
            cells = (show(value, 5, signed=True) for value in changes)
            rows.append((f"`{strategy}`", str(epoch), *cells, str(changes[0].n if changes[0] else 0)))
    yield from table(("strategy", "epoch", "AUC", "logloss", "seeds"), rows)
    yield from ("", f"Machine: {env['machine']}, {env['cores']} cores; torch {env['torch']}.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.precision", description=__doc__)
    parser.add_argument("plan", nargs="?", default="quick")
    parser.add_argument("--set", dest="sets", action="append", default=[], help="as of `multiepoch benchmark`")
    parser.add_argument("--results", type=Path, help="keeps the runs; default: a folder that is deleted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = arguments.results or Path(folder)
        found = {p: trained(arguments.plan, p, arguments.sets, results) for p in PRECISIONS}
        text = "\n".join(lines(arguments.plan, arguments.sets, found)) + "\n"
    TABLE.write_text(text)
    print(text, f"table: {TABLE}")


if __name__ == "__main__":
    main()
