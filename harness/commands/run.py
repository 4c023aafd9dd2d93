"""`multiepoch run`: train one strategy once, on a plan's data and model."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.base.terminal import explained, print_plain
from harness.execution.launchers.where import Where
from harness.execution.progress import failures
from harness.execution.run_plan import checked, run_plan
from harness.experiment.instantiate import parse_strategy
from harness.experiment.plan_file import beside, load_plan
from harness.metrics import curves
from harness.metrics.catalog import METRICS
from harness.plugins.registry import Registry
from harness.results.keys import ArmRole, MetricKey
from harness.results.plan_results import state_file
from harness.results.records import Run
from harness.results.run_reader import read
from harness.tracking.factory import Kind

SHOWN = tuple(METRICS[name] for name in ("auc", "logloss", "ne", "calibration"))
"""Metrics that are printed."""


def run_one(
    console: Console,
    strategy: str,
    plan_name: str,
    seed: int,
    results: Path,
    plugins: Path | None,
    overrides: list[str] | None,
    *,
    tracker: Kind,
) -> int:
    """Train one strategy, and print its metrics by epoch."""
    plan, registry = load_plan(plan_name, overrides), Registry(plugins)
    parse_strategy(strategy, registry, "argument")
    search = plan.search.model_copy(update={"trials": 0})
    plan = beside(plan, "run", f"plan '{plan_name}'", strategies=(strategy,), seeds=(seed,), search=search)
    arms = checked(console, plan, registry, results)
    result, display, _ = run_plan(console, plan, arms, results, Where(workers=1), tracker)
    for arm in result.arms:
        if arm.role == ArmRole.ARM:
            for key in arm.runs.values():
                run = read(results / "runs", key)
                print_plain(console, f"{arm.id} seed {seed}, on the validation split: {results / 'runs' / key}", "bold")
                console.print(_by_epoch(run))
                console.print(explained((metric.title, metric.meaning) for metric in SHOWN))
                if plan.train.keep:
                    print_plain(console, f"state: {state_file(results, key)}")
    return failures(console, display)


def _by_epoch(run: Run) -> Table:
    """Every task's metrics on valid at the end of each epoch."""
    table = Table("task", box=None, header_style="dim")
    for name in ("epoch", *(metric.title for metric in SHOWN)):
        table.add_column(name, justify="right")
    for task in curves.tasks(run.boundaries):
        for record in run.boundaries:
            found = (record.metrics.get(MetricKey("valid", metric.name, task)) for metric in SHOWN)
            values = ("-" if value is None else f"{value:.4f}" for value in found)
            table.add_row(task if record.epoch == 1 else "", str(record.epoch), *values)
    return table
