"""What the commands about one strategy do: train it once, or search its knobs, on a plan's data and model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness import summary
from harness.benchmark import checked, pages, run_plan
from harness.outcome import Arm, Trial
from harness.plugin import UserError
from harness.progress import failures
from harness.records import Run, done, read
from harness.registry import Registry
from harness.resolve import fixed_params, parse_strategy
from harness.select import METRICS, choose
from harness.spec import Plan, load_plan


def run_one(
    console: Console,
    strategy: str,
    path: Path,
    seed: int,
    results: Path,
    plugins: Path | None,
    overrides: list[str] | None,
    *,
    mlflow: bool,
) -> int:
    """Train one strategy, and print its metrics by epoch."""
    plan, registry = load_plan(path, overrides), Registry(plugins)
    parse_strategy(strategy, registry, "argument")
    search = plan.search.model_copy(update={"trials": 0})
    update = {"name": f"{plan.name}-run", "table": None, "strategies": (strategy,), "seeds": (seed,), "search": search}
    plan = plan.model_copy(update=update)
    outcome, display, _ = run_plan(console, plan, checked(console, plan, registry, results), results, 1, mlflow)
    for arm in outcome.arms:
        if arm.role == "arm":
            for key in arm.runs.values():
                run = read(results / "runs", key)
                console.print(f"[bold]{arm.id}[/] seed {seed}: {results / 'runs' / key}", soft_wrap=True)
                console.print(_by_epoch(run))
    return failures(console, display)


def tune_one(
    console: Console,
    strategy: str,
    path: Path,
    trials: int | None,
    results: Path,
    workers: int,
    plugins: Path | None,
    overrides: list[str] | None,
    *,
    mlflow: bool,
) -> int:
    """Search one strategy, and print its trials and the winner. The study is the plan's own: `benchmark` goes on
    with it, looking at no more trials than the plan has."""
    plan, registry = load_plan(path, overrides), Registry(plugins)
    parse_strategy(strategy, registry, "argument")
    search = plan.search.model_copy(update={} if trials is None else {"trials": trials})
    if not search.trials:
        raise UserError(f"plan '{plan.name}' has search.trials = 0; say how many with --trials")
    plan = plan.model_copy(update={"strategies": (strategy,), "seeds": (), "search": search})
    arms = checked(console, plan, registry, results)
    plan = plan.model_copy(update={"name": f"{plan.name}-tune", "table": None})
    outcome, display, tracker = run_plan(console, plan, arms, results, workers, mlflow)
    for arm, source in zip(outcome.arms, arms, strict=True):
        console.print(_trials(arm, source.task, plan, results))
        again = _options(path, results, plugins, overrides)
        console.print(_winner(arm, registry, again), markup=False, highlight=False, soft_wrap=True)
    console.print("\n".join(["", *pages(results, tracker, plan)]), markup=False, highlight=False, soft_wrap=True)
    return failures(console, display)


def _by_epoch(run: Run) -> Table:
    """Every task's metrics on valid at the end of each epoch."""
    table = Table("task", box=None, header_style="dim")
    metrics = ("auc", "logloss", "ne", "calibration")
    for name in ("epoch", *metrics):
        table.add_column(name, justify="right")
    for task in _tasks(run):
        for record in run.boundaries:
            values = (f"{record.metrics[f'valid/{metric}/{task}']:.4f}" for metric in metrics)
            table.add_row(task if record.epoch == 1 else "", str(record.epoch), *values)
    return table


def _tasks(run: Run) -> list[str]:
    last = run.boundaries[-1].metrics if run.boundaries else {}
    return [name.removeprefix("valid/auc/") for name in last if name.startswith("valid/auc/")]


def _trials(arm: Arm, task: str, plan: Plan, results: Path) -> Table:
    """A line per trial: what it reached, and with which knobs."""
    metric, rule = plan.search.metric, plan.search.select
    table = Table(box=None, header_style="dim", title=f"{arm.id}, valid {metric} of {task}", title_justify="left")
    for name in ("trial", rule, "epoch", "gain over\nown epoch 1", "logloss jump\nat boundary"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("knobs, and key of the records")
    for trial in arm.trials:
        knobs = ", ".join(f"{name} = {_short(value)}" for name, value in trial.params.items())
        cells = (str(trial.number), *_reached(trial, metric, task, rule, results), f"{knobs}\n[dim]{trial.key}[/]")
        table.add_row(*cells, style="bold" if trial.params == arm.chosen else "")
    return table


def _reached(trial: Trial, metric: str, task: str, rule: str, results: Path) -> list[str]:
    run = done(results / "runs", trial.key)
    if trial.value is None or run is None:
        return ["failed", "", "", ""]
    epoch, value = choose(rule, metric, task, run.records)
    gain = METRICS[metric] * (value - summary.curve(run.records, metric, task)[1])
    jump = summary.boundary_jump(run.records, task)
    return [f"{value:.4f}", str(epoch), f"{gain:+.4f}", "" if jump is None else f"{jump:+.4f}"]


def _options(path: Path, results: Path, plugins: Path | None, overrides: list[str] | None) -> list[str]:
    """What a command was given, for another one on the same plan."""
    given = ["--plan", str(path), "--results", str(results)]
    given += ["--plugins", str(plugins)] if plugins else []
    return given + [word for override in overrides or () for word in ("--set", override)]


def _winner(arm: Arm, registry: Registry, options: list[str]) -> str:
    """The chosen knobs, as arguments of `multiepoch run`."""
    if not arm.chosen:
        return "no trial finished"
    best = next(t for t in arm.trials if t.params == arm.chosen)
    shared = [word for k, v in arm.chosen.items() if "." not in k for word in ("--set", f"train.{k}={v!r}")]
    command = ["multiepoch", "run", _written(arm.strategy, arm.chosen, registry), *options, *shared]
    return f"winner by {arm.select}: trial {best.number}\n{shlex.join(command)}"


def _written(strategy: str, chosen: dict[str, Any], registry: Registry) -> str:
    """A strategy expression with the chosen knobs written into it."""
    fixed, parts = fixed_params(strategy), []
    for part in parse_strategy(strategy, registry):
        values = {k: chosen.get(f"{part.name}.{k}", value) for k, value in part.params.items()}
        shown = [f"{k}={v!r}" for k, v in values.items() if k in fixed[part.name] or f"{part.name}.{k}" in chosen]
        parts.append(f"{part.name}({', '.join(shown)})" if shown else part.name)
    return "+".join(parts)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
