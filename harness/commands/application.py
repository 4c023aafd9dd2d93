"""The commands and their arguments: parsing only. What a command needs is imported when it runs."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from harness import __version__
from harness.base.addresses import DASHBOARD, MLFLOW, Address
from harness.base.errors import UserError
from harness.base.places import PLANS
from harness.execution.launchers.where import Kind as LauncherKind
from harness.execution.launchers.where import Where

app = typer.Typer(
    name="multiepoch",
    help="Is it safe to train this embedding model for more than one epoch, and which mitigation makes it pay?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console()
CORES = os.cpu_count() or 1
QUICK = "quick"
"""The plan where none is named."""

MOST_WORKERS = 1024


def _path(text: str | Path) -> Path:
    """Raises: BadParameter: nothing is named, which would mean the current folder."""
    if not str(text).strip() or "\0" in str(text):
        raise typer.BadParameter(f"{str(text)!r} is no path; accepted: the name of a folder or file")
    return Path(text)


def _folder_or_file(name: str, help: str) -> Any:
    """An option that is a path."""
    return typer.Option(name, parser=_path, metavar="PATH", help=help)


PlanName = Annotated[str, typer.Argument(help="A plan: the name of one that comes with multiepoch, or a TOML file.")]
Strategy = Annotated[str, typer.Argument(help="A strategy, as 'hashing(ratio=0.1)+reinit'.")]
BasePlan = Annotated[str, typer.Option("--plan", help="Where data set, model and training come from.")]
Results = Annotated[Path, _folder_or_file("--results", "Folder of records, MLflow, Optuna and report.")]
Plugins = Annotated[
    Path | None,
    _folder_or_file(
        "--plugins", "A folder with plug-ins of your own: strategies/, datasets/, models/, or strategies alone."
    ),
]
Workers = Annotated[
    int, typer.Option("--workers", "-j", min=1, max=MOST_WORKERS, help="Training processes side by side.")
]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Of every run, in the place of the plan's.")]
Rows = Annotated[
    int | None, typer.Option("--rows", min=1, help="Of every generated data set, in the place of the plan's.")
]
AtATime = Annotated[
    int | None,
    typer.Option(
        "--workers", "-j", min=1, max=MOST_WORKERS, help="Runs at a time; as many as there is room for, if none."
    ),
]
Launcher = Annotated[LauncherKind, typer.Option("--launcher", help="Where runs are trained.")]
Cpus = Annotated[float | None, typer.Option("--cpus", min=0.01, help="Of each run on a cluster; its threads, if none.")]
Gpus = Annotated[float, typer.Option("--gpus", min=0, help="Of each run on a cluster; several may share one, as 0.25.")]
RayAddress = Annotated[str | None, typer.Option("--address", help="Of a Ray cluster, if not this machine's own.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Override a plan's key, as train.epochs=2.")]
Host = Annotated[str, typer.Option("--host", help="Whom to listen to: this machine alone, or who reaches that name.")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535)]


def _use_storage(address: str | None) -> str | None:
    """Searches look for the database where Optuna's users name it, as the tracker does for its own."""
    if address:
        os.environ["OPTUNA_STORAGE"] = address
    return address


Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        callback=_use_storage,
        metavar="URL",
        help="A database for the searches, as postgresql://...; or OPTUNA_STORAGE, which hides passwords.",
    ),
]
NoMlflow = Annotated[bool, typer.Option("--no-mlflow", help="Do not write to MLflow; `sync` can do it later.")]


class Condition(StrEnum):
    """That `diagnose` may fail on."""

    COLLAPSE = "collapse"
    LEAK = "leak"
    UNDECIDED = "undecided"


FailOn = Annotated[
    list[Condition] | None,
    typer.Option("--fail-on", help="Exit with 1 if this is found; may be given again."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"multiepoch {__version__}", highlight=False)
        raise typer.Exit


def _warm_up(launcher: LauncherKind = LauncherKind.LOCAL) -> None:
    """Training processes import what they need while this one imports, checks the plan and builds its data."""
    from harness.execution.fork_server import warm_up

    if launcher == LauncherKind.LOCAL:
        warm_up()


def _tracker(off: bool) -> Literal["mlflow", "none"]:
    """A kind of `harness.tracking.factory`."""
    return "none" if off else "mlflow"


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Is it safe to train this embedding model for more than one epoch, and which mitigation makes it pay?"""


@app.command()
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

    given = {"train.epochs": epochs, "dataset.rows": rows}
    overrides = [*(f"{key}={value}" for key, value in given.items() if value is not None), *(overrides or [])]
    where = Where(launcher, workers, cpus, gpus, address)
    raise typer.Exit(go(console, plan, results, where, plugins, overrides, tracker=_tracker(no_mlflow)))


@app.command()
def diagnose(
    source: Annotated[str, typer.Argument(metavar="DATA", help="A table file, a folder of them, or a pattern.")],
    labels: Annotated[str | None, typer.Option("--labels", help="Columns that are labels, as click,buy.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="The column of the time.")] = None,
    schema: Annotated[Path | None, _folder_or_file("--schema", "A schema, instead of guesses.")] = None,
    budget: Annotated[str, typer.Option("--budget", help="How long it may take, as 30m or 2h.")] = "30m",
    model: Annotated[str, typer.Option("--model", help="The network, as dnn or deepfm.")] = "dnn",
    out: Annotated[Path, _folder_or_file("--out", "Folder of the verdict, and of all behind it.")] = Path("diagnosis"),
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
        source, named, time, schema, budget, model, out, workers, tuple(fail_on or ()), _tracker(no_mlflow)
    )
    raise typer.Exit(go(console, options))


@app.command()
def run(
    strategy: Strategy,
    plan: BasePlan = QUICK,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    results: Results = Path("results"),
    plugins: Plugins = None,
    overrides: Overrides = None,
    no_mlflow: NoMlflow = False,
) -> None:
    """Train one strategy once, without a search, and print its metrics by epoch."""
    _warm_up()
    from harness.commands.run import run_one

    raise typer.Exit(run_one(console, strategy, plan, seed, results, plugins, overrides, tracker=_tracker(no_mlflow)))


@app.command()
def tune(
    strategy: Strategy,
    plan: BasePlan = QUICK,
    trials: Annotated[int | None, typer.Option("--trials", min=1, max=100_000, help="Instead of the plan's.")] = None,
    results: Results = Path("results"),
    workers: AtATime = None,
    plugins: Plugins = None,
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

    where, tracker = Where(launcher, workers, cpus, gpus, address), _tracker(no_mlflow)
    raise typer.Exit(tune_one(console, strategy, plan, trials, results, where, plugins, overrides, tracker=tracker))


@app.command("list")
def list_plugins(
    what: Annotated[
        str | None, typer.Argument(help="strategies, datasets, models, plans or schemas, or the name of one plug-in.")
    ] = None,
    plugins: Plugins = None,
) -> None:
    """Strategies, data sets and models, with their parameters, defaults and accepted values; plans and schemas."""
    from harness.commands.list_plugins import print_plugins

    print_plugins(console, plugins, what)


data_app = typer.Typer(help="Look at data, match it, and make data of any size.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Source = Annotated[str, typer.Argument(help="A preset, or a file: plan, schema or population (.toml), .parquet, .csv.")]
TableSchema = Annotated[str | None, typer.Option("--schema", help="Says what is what in a .parquet or .csv file.")]


@data_app.command()
def init(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A table file, a folder of them, or a pattern.")],
    out: Annotated[Path, typer.Option("--out", help="The schema to write, a TOML file.")] = Path("my_schema.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Guess what the columns of a table are, say why, and write a schema to edit."""
    from harness.commands.data_init import write_schema

    write_schema(console, source, out, force)


@data_app.command()
def describe(
    source: Source = str(PLANS / "quick.toml"),
    schema: TableSchema = None,
    results: Results = Path("results"),
    plugins: Plugins = None,
    overrides: Overrides = None,
    png: Annotated[Path | None, _folder_or_file("--png", "Where to draw its pictures.")] = None,
    page: Annotated[Path | None, _folder_or_file("--page", "Where to write all of it as an HTML page.")] = None,
) -> None:
    """Describe data sets, built if need be: tails, unseen ids, base rates and drift by day, what goes together."""
    from harness.commands.data_describe import print_data

    print_data(console, source, schema, results, plugins, overrides, png, page)


@data_app.command()
def match(
    source: Source,
    out: Annotated[Path, _folder_or_file("--out", "The preset to write, a TOML file.")],
    schema: TableSchema = None,
    results: Results = Path("results"),
    plugins: Plugins = None,
) -> None:
    """Fit the generator's knobs to a data set, write them as a preset, and show how near it comes."""
    from harness.commands.data_match import write_match

    write_match(console, source, schema, out, results, plugins)


@data_app.command()
def random(
    out: Annotated[Path, _folder_or_file("--out", "The preset to write, a TOML file.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed draws another population.")] = 0,
    rows: Annotated[int, typer.Option("--rows", help="Of all splits.")] = 500_000,
) -> None:
    """Draw a population over every knob of the generator, and write it as a preset."""
    from harness.commands.data_random import write_random

    write_random(console, seed, rows, out)


@data_app.command()
def write(
    source: Annotated[str, typer.Argument(help="A preset, or a population of your own (.toml).")],
    out: Annotated[Path, _folder_or_file("--out", "A new folder for train, valid and test.parquet.")],
    rows: Annotated[int | None, typer.Option("--rows", min=1000, help="Instead of the preset's.")] = None,
    part: Annotated[str | None, typer.Option("--slice", help="These rows alone, as 1000:2000, in one file.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="A plan's data_seed.")] = 0,
) -> None:
    """Write synthetic rows as Parquet, with truth, delays and what was seen at training time."""
    from harness.data.synthetic.export import write_parquet

    write_parquet(console, source, out, rows, part, seed)


@data_app.command()
def table(
    names: Annotated[list[str] | None, typer.Argument(help="Presets; all, if none.")] = None,
    out: Annotated[Path, _folder_or_file("--out", "Where the table goes.")] = Path("results/tables/generator.md"),
) -> None:
    """Build every preset, and write target against produced of every statistic."""
    from harness.commands.data_table import write_table

    raise typer.Exit(write_table(console, names or [], out))


@app.command()
def facts(
    names: Annotated[list[str] | None, typer.Argument(help="Facts, as F1 F12; all, if none.")] = None,
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


@app.command()
def report(
    plans: Annotated[
        list[str] | None,
        typer.Argument(help="Names of plans; all that were run, if none. Two results folders: as `compare`."),
    ] = None,
    results: Results = Path("results"),
    difference: Annotated[
        float, typer.Option("--difference", help="Say how many seeds it takes to show this.")
    ] = 0.001,
) -> None:
    """Write results/report.html and results/tables/ from the records; of two results folders, compare them."""
    from harness.report.write import write_report

    folders = [Path(plan) for plan in plans or [] if (Path(plan) / "plans").is_dir()]
    if len(folders) == len(plans or []) == 2:
        compare(*folders)
        return
    console.print(f"report: {write_report(results, plans or None, difference)}", soft_wrap=True)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(parser=_path, metavar="FIRST", help="A results folder.")],
    second: Annotated[Path, typer.Argument(parser=_path, metavar="SECOND", help="Another one, of the same plans.")],
) -> None:
    """Set two results folders side by side, and say which of their numbers may be compared."""
    from harness.report.compare import table

    console.print(table(first, second))


@app.command()
def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(parser=_path, metavar="FOLDER...", help="Results folders; without --into, into the first."),
    ],
    into: Annotated[Path | None, _folder_or_file("--into", "Another folder, made if there is none.")] = None,
) -> None:
    """Bring results folders of several machines into one: runs, plans and data. A second merge changes nothing."""
    from harness.commands.merge import merge as go

    raise typer.Exit(go(console, folders, into))


@app.command()
def sync(
    plans: Annotated[list[str] | None, typer.Argument(help="Names of plans; all that were run, if none.")] = None,
    results: Results = Path("results"),
    storage: Storage = None,
) -> None:
    """Bring MLflow up to date with the records on disk; what is there already is left alone."""
    from harness.commands.sync import sync as go

    go(console, plans, results)


@app.command()
def status(
    plans: Annotated[list[str] | None, typer.Argument(help="Names of plans; all that were run, if none.")] = None,
    results: Results = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs.")] = False,
) -> None:
    """How far plans are, what trains where, what failed, and how long the rest takes; also while they run."""
    from harness.commands.status import print_status

    print_status(console, results, plans, as_json)


@app.command()
def ui(results: Results = Path("results"), port: Port = MLFLOW.port, host: Host = MLFLOW.host) -> None:
    """Serve MLflow's pages of a results folder, and say where each plan is shown."""
    from harness.commands.ui import serve_ui

    serve_ui(console, results, Address(host, port))


@app.command()
def dashboard(
    results: Results = Path("results"),
    port: Port = DASHBOARD.port,
    host: Host = DASHBOARD.host,
    storage: Storage = None,
) -> None:
    """Serve Optuna's dashboard of the searches in a results folder, or in a database."""
    from harness.commands.dashboard import serve_dashboard

    serve_dashboard(console, results, Address(host, port))


@app.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of plug-ins or plans; all plug-ins, if none.")
    ] = None,
    results: Results = Path("results"),
    plugins: Plugins = None,
) -> None:
    """Check that plug-ins do what the harness relies on, or that a plan can be run and its data does not mislead."""
    from harness.commands.check import check as go

    raise typer.Exit(go(console, names or [], results, plugins))


@app.command()
def export(
    strategy: Strategy,
    to: Annotated[str, typer.Option("--to", help="torch: a module that needs torch alone. torchrec: settings.")],
    out: Annotated[Path | None, _folder_or_file("--out", "The file to write; printed, if none.")] = None,
    table_optimizer: Annotated[
        str, typer.Option("--table-optimizer", help="adam, adagrad, rowwise_adagrad or sgd.")
    ] = "adam",
    table_lr: Annotated[float, typer.Option("--table-lr", help="The learning rate of the tables.")] = 0.001,
    dense_lr: Annotated[float, typer.Option("--dense-lr", help="Of the net; some strategies go by it.")] = 0.001,
    plugins: Plugins = None,
) -> None:
    """Write a strategy for code of your own: an optimizer of embedding tables, and an encoder of ids."""
    from harness.commands.export import export as go

    train: dict[str, str | float] = {"table_optimizer": table_optimizer, "table_lr": table_lr, "dense_lr": dense_lr}
    go(console, strategy, to, out, train, plugins)


submission_app = typer.Typer(help="Report a strategy under the protocol, and verify a report.", no_args_is_help=True)
app.add_typer(submission_app, name="submission")


@submission_app.command("make")
def make_submission(
    plan: Annotated[str, typer.Argument(help="The plan of the protocol that was run: protocol_defaults or _tuned.")],
    out: Annotated[Path, _folder_or_file("--out", "The file to write, a .zip.")],
    by: Annotated[str, typer.Option("--by", help="Who submits, and where more can be read.")],
    results: Results = Path("results"),
    plugins: Plugins = None,
) -> None:
    """Pack a finished plan into one file: strategies, what was searched, records and environment."""
    from harness.commands.submission import make

    make(console, plan, out, by, results, plugins)


@submission_app.command("verify")
def verify_submission(
    file: Annotated[Path, typer.Argument(parser=_path, metavar="FILE", help="A submission.")],
    choice: Annotated[int | None, typer.Option("--choice", min=0, help="Draws the run; drawn itself, if none.")] = None,
    run_its_code: Annotated[
        bool, typer.Option("--run-its-code", help="Run strategies of the submission, which can do all that you can.")
    ] = False,
) -> None:
    """Check a submission, then train a run of it drawn at random again, and compare."""
    from harness.commands.submission import verify

    raise typer.Exit(verify(console, file, choice, run_its_code))


@submission_app.command("table")
def table_of_submissions(
    folder: Annotated[Path, typer.Argument(parser=_path, metavar="FOLDER")] = Path("results/submissions"),
    out: Annotated[Path, _folder_or_file("--out", "Where the table goes.")] = Path("results/tables/submissions.md"),
) -> None:
    """Write the table of all submissions in a folder, and whether each was verified."""
    from harness.commands.submission import table

    table(console, folder, out)


def obey() -> int:
    """Do what the command line says. Returns the exit status.

    Raises:
        UserError: it is not accepted.
    """
    try:
        return int(app(standalone_mode=False) or 0)
    except typer.TyperException as error:
        if not (problem := _said(error)):
            return 2  # no command was given, and the help has been printed
        context = getattr(error, "ctx", None)
        where = context.command_path if context else "multiepoch"
        end = "" if problem.endswith((".", "?")) else ";"
        raise UserError(f"{problem[:1].lower()}{problem[1:]}{end} `{where} --help` says what is accepted") from error


def _said(error: typer.TyperException) -> str:
    """What is not accepted, with the value, which limits of numbers leave out."""
    from pydantic import ValidationError

    problem, cause = error.format_message(), error.__cause__
    if isinstance(cause, ValidationError):
        found = cause.errors()[0]
        accepted = found["msg"].removeprefix("Input should be ")
        problem = problem.replace(found["msg"], f"{found['input']!r}; accepted: {accepted}")
    return problem
