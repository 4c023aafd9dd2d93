"""What the commands do: run a plan and rank it, train one strategy, bring MLflow up to date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.launch import Observer, launch, prepare
from harness.progress import Display, name
from harness.records import Outcome, Run, read
from harness.registry import Registry
from harness.report import ranked_table, write_report
from harness.report.load import plans as plans_run
from harness.spec import Plan, load_plan, parse_strategy
from harness.track import Live, Tracker
from harness.track import sync as sync_plan


def benchmark(
    console: Console,
    path: Path,
    results: Path,
    workers: int,
    plugins: Path | None,
    overrides: list[str] | None,
    *,
    mlflow: bool,
) -> int:
    """Run a plan, print its ranking and write the report; the exit status is 1 if a run failed."""
    plan = load_plan(path, overrides)
    _, display, tracker = _launch(console, plan, results, workers, plugins, mlflow)
    console.print(ranked_table(results, plan.name))
    where = "" if results == Path("results") else f" RESULTS={results}"
    lines = [f"{display.trained} runs trained, {display.found} found on disk", ""]
    lines.append(f"report            {write_report(results, None)}")
    if tracker is not None:
        lines.append(f"MLflow            make ui{where}, then http://127.0.0.1:5000/{tracker.ui_path()}")
    if plan.search.trials:
        lines.append(f"Optuna dashboard  make dashboard{where}, then http://127.0.0.1:8080")
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
    return _failures(console, display)


def run_one(
    console: Console,
    strategy: str,
    path: Path,
    seed: int,
    results: Path,
    plugins: Path | None,
    overrides: list[str] | None,
) -> int:
    """Train one strategy with a plan's data, model and training, and print its metrics by epoch."""
    plan = load_plan(path, overrides)
    parse_strategy(strategy, Registry(plugins), "argument")
    update = {"name": f"{plan.name}-run", "strategies": (strategy,), "seeds": (seed,)}
    plan = plan.model_copy(update=update | {"search": plan.search.model_copy(update={"trials": 0})})
    outcome, display, _ = _launch(console, plan, results, 1, plugins, mlflow=True)
    for arm in outcome.arms:
        if arm.role == "arm":
            for key in arm.runs.values():
                run = read(results / "runs", key)
                console.print(f"[bold]{arm.id}[/] seed {seed}: {results / 'runs' / key}", soft_wrap=True)
                console.print(_by_epoch(run))
    return _failures(console, display)


def sync(console: Console, names: list[str] | None, results: Path) -> None:
    """Write to MLflow what is on disk and not there yet."""
    for plan in names or plans_run(results):
        sync_plan(results, plan)
        console.print(f"MLflow has all of plan '{plan}'", highlight=False)


def _launch(
    console: Console, plan: Plan, results: Path, workers: int, plugins: Path | None, mlflow: bool
) -> tuple[Outcome, Display, Tracker | None]:
    """Run a plan under the display, and live in MLflow if wanted."""
    registry = Registry(plugins)
    with console.status("checking the plan and building its data"):
        arms = prepare(plan, registry, results)
    tracker = Tracker(results, plan.name, plan.description, _warner(console)) if mlflow else None
    with Display(console, workers, plan.search.task) as display:
        watching: list[Observer] = [display] if tracker is None else [Live(tracker), display]
        outcome = launch(plan, arms, results, workers, watching, tracker.run_id if tracker else None)
        if tracker is not None:
            tracker.sync(outcome)
    return outcome, display, tracker


def _warner(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(text, style="yellow", highlight=False, soft_wrap=True)


def _by_epoch(run: Run) -> Table:
    """Every task's metrics on valid at the end of each epoch."""
    table = Table("epoch", box=None, header_style="dim")
    last = run.boundaries[-1].metrics if run.boundaries else {}
    shown = [m for m in last if m.startswith("valid/") and m.split("/")[1] in ("auc", "logloss", "ne", "calibration")]
    for metric in shown:
        _, kind, task = metric.split("/")
        table.add_column(f"{task}\n{kind}", justify="right")
    for record in run.boundaries:
        table.add_row(str(record.epoch), *(f"{record.metrics[m]:.4f}" for m in shown))
    return table


def _failures(console: Console, display: Display) -> int:
    for job, reason in display.failed:
        console.print(f"[red]failed[/] {name(job)}: {reason}", highlight=False, soft_wrap=True)
    return int(bool(display.failed))
