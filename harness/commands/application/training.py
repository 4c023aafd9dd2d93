"""Commands that train."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.base.cores import cores
from harness.base.exits import Exit
from harness.commands.application.arguments import (
    QUICK,
    Epochs,
    NoMlflow,
    Overrides,
    PlanName,
    Plugins,
    Results,
    Rows,
    Storage,
    Strategy,
    console,
    folder_or_file,
    overridden,
    tracker_kind,
)
from harness.commands.application.statuses import CHECKPOINTS, RUN_FAILED, statuses
from harness.execution.launchers.where import Kind as LauncherKind
from harness.execution.launchers.where import Where

app = typer.Typer()
CORES = cores()
MOST_WORKERS = 1024
BasePlan = Annotated[str, typer.Option("--plan", help="Where data set, model and training come from.")]
Workers = Annotated[int, typer.Option("--workers", "-j", min=1, max=MOST_WORKERS, help="Runs at a time.")]
AtATime = Annotated[
    int | None,
    typer.Option(
        "--workers", "-j", min=1, max=MOST_WORKERS, help="Runs at a time. By default, as many as there is room for."
    ),
]
Launcher = Annotated[LauncherKind, typer.Option("--launcher", help="Where runs are trained.")]
Cpus = Annotated[
    float | None, typer.Option("--cpus", min=0.01, help="Of each run on a cluster. By default, its threads.")
]
Gpus = Annotated[float, typer.Option("--gpus", min=0, help="Of each run on a cluster; several may share one, as 0.25.")]
RayAddress = Annotated[str | None, typer.Option("--address", help="Of a Ray cluster. By default, this machine's own.")]


class Condition(StrEnum):
    """That `diagnose` may fail on."""

    COLLAPSE = "collapse"
    LEAK = "leak"
    UNDECIDED = "undecided"


FailOn = Annotated[
    list[Condition] | None,
    typer.Option(
        "--fail-on",
        help="Exit with 1 if this is found; may be given again. collapse: plain training falls. leak: a check of the "
        "data says stop. undecided: no answer.",
    ),
]

TRAINED = statuses(RUN_FAILED | CHECKPOINTS)
JUDGED = statuses(
    {
        Exit.DONE: "answered",
        Exit.FAILED: "what --fail-on asks for was found",
        Exit.CANNOT_TELL: "cannot tell",
        Exit.INTERRUPTED: "stopped by Ctrl-C, with the verdict of what was done",
    }
    | CHECKPOINTS
)


def _warm_up(launcher: LauncherKind = LauncherKind.LOCAL) -> None:
    """Training processes import what they need while this one imports, checks the plan and builds its data."""
    from harness.execution.fork_server import warm_up

    if launcher == LauncherKind.LOCAL:
        warm_up()


@app.command(epilog=TRAINED)
def benchmark(
    plan: PlanName = QUICK,
    results: Results = Path("results"),
    workers: AtATime = None,
    plugins: Plugins = None,
    epochs: Epochs = None,
    rows: Rows = None,
    overrides: Overrides = None,
    storage: Storage = None,
    no_mlflow: NoMlflow = False,
    launcher: Launcher = LauncherKind.LOCAL,
    cpus: Cpus = None,
    gpus: Gpus = 0,
    address: RayAddress = None,
) -> None:
    """Run a whole plan, rank its strategies and write the report. Run again, it does only what is missing."""
    _warm_up(launcher)
    from harness.commands.benchmark import benchmark as go

    where, changed = Where(launcher, workers, cpus, gpus, address), overridden(epochs, rows, overrides)
    raise typer.Exit(go(console, plan, results, where, plugins, changed, tracker=tracker_kind(no_mlflow)))


@app.command(epilog=JUDGED)
def diagnose(
    source: Annotated[str, typer.Argument(metavar="DATA", help="A table file, a folder of them, or a pattern.")],
    labels: Annotated[str | None, typer.Option("--labels", help="Columns that are labels, as click,buy.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="The column of the time.")] = None,
    schema: Annotated[Path | None, folder_or_file("--schema", help="A schema, instead of guesses.")] = None,
    budget: Annotated[str, typer.Option("--budget", help="How long it may take, as 30m or 2h.")] = "30m",
    model: Annotated[str, typer.Option("--model", help="The network, as dnn or deepfm.")] = "dnn",
    results: Annotated[
        Path, folder_or_file("--results", "--out", help="Folder of the verdict, and of all behind it.")
    ] = Path("diagnosis"),
    workers: Workers = CORES,
    fail_on: FailOn = None,
    storage: Storage = None,
    no_mlflow: NoMlflow = False,
) -> None:
    """Is it safe to train more than one epoch on this log, and with what? One verdict within a time that you name."""
    _warm_up()
    from harness.commands.diagnose import Options
    from harness.commands.diagnose import diagnose as go

    named = tuple(name.strip() for name in (labels or "").split(",") if name.strip())
    options = Options(
        source, named, time, schema, budget, model, results, workers, tuple(fail_on or ()), tracker_kind(no_mlflow)
    )
    raise typer.Exit(go(console, options))


@app.command(epilog=TRAINED)
def run(
    strategy: Strategy,
    plan: BasePlan = QUICK,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of initialisation and order of the rows.")] = 1,
    results: Results = Path("results"),
    plugins: Plugins = None,
    epochs: Epochs = None,
    rows: Rows = None,
    overrides: Overrides = None,
    no_mlflow: NoMlflow = False,
) -> None:
    """Train one strategy once, without a search, and print its metrics by epoch."""
    _warm_up()
    from harness.commands.run import run_one

    changed, tracker = overridden(epochs, rows, overrides), tracker_kind(no_mlflow)
    raise typer.Exit(run_one(console, strategy, plan, seed, results, plugins, changed, tracker=tracker))


@app.command(epilog=TRAINED)
def tune(
    strategy: Strategy,
    plan: BasePlan = QUICK,
    trials: Annotated[int | None, typer.Option("--trials", min=1, max=100_000, help="Instead of the plan's.")] = None,
    results: Results = Path("results"),
    workers: AtATime = None,
    plugins: Plugins = None,
    epochs: Epochs = None,
    rows: Rows = None,
    overrides: Overrides = None,
    storage: Storage = None,
    no_mlflow: NoMlflow = False,
    launcher: Launcher = LauncherKind.LOCAL,
    cpus: Cpus = None,
    gpus: Gpus = 0,
    address: RayAddress = None,
) -> None:
    """Search one strategy's knobs, print the trials and the winner. A later benchmark of the plan goes on from it."""
    _warm_up(launcher)
    from harness.commands.tune import tune_one

    where, tracker = Where(launcher, workers, cpus, gpus, address), tracker_kind(no_mlflow)
    changed = overridden(epochs, rows, overrides)
    raise typer.Exit(tune_one(console, strategy, plan, trials, results, where, plugins, changed, tracker=tracker))


@app.command(epilog=TRAINED)
def facts(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="FACT", help="Facts, as F1 F12. By default, all.")
    ] = None,
    sheet: Annotated[str, typer.Option("--sheet", help="The facts: a TOML file.")] = "facts",
    results: Results = Path("results"),
    workers: AtATime = None,
    plugins: Plugins = None,
    launcher: Launcher = LauncherKind.LOCAL,
    cpus: Cpus = None,
    gpus: Gpus = 0,
    address: RayAddress = None,
) -> None:
    """Try what the literature reports of multi-epoch training, and write a verdict on each fact."""
    _warm_up(launcher)
    from harness.facts.run import run_facts

    where = Where(launcher, workers, cpus, gpus, address)
    raise typer.Exit(run_facts(console, sheet, names or [], results, where, plugins))
