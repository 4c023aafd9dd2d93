"""Commands on what was trained: reports, folders, and the pages of MLflow and Optuna."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.base.addresses import DASHBOARD, MLFLOW, Address
from harness.base.exits import Exit
from harness.base.terminal import print_plain
from harness.commands.application.arguments import Results, Storage, console, folder_or_file, path_of
from harness.commands.application.statuses import statuses

app = typer.Typer()
Host = Annotated[str, typer.Option("--host", help="Whom to listen to: this machine alone, or who reaches that name.")]
Plans = Annotated[list[str] | None, typer.Argument(metavar="PLAN", help="By default, all that were run.")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Of the page.")]


@app.command()
def report(
    plans: Annotated[
        list[str] | None,
        typer.Argument(metavar="PLAN", help="By default, all that were run. Two results folders: as `compare`."),
    ] = None,
    results: Results = Path("results"),
    difference: Annotated[
        float, typer.Option("--difference", help="Say how many seeds it takes to show this.")
    ] = 0.001,
) -> None:
    """Write results/report.html and results/report/ from the records; of two results folders, compare them.

    Of several plans, report.html leads to the page of each.
    """
    from harness.report.write import write_report

    folders = [Path(plan) for plan in plans or [] if (Path(plan) / "plans").is_dir()]
    if len(folders) == len(plans or []) == 2:
        compare(*folders)
        return
    print_plain(console, f"report: {write_report(results, plans or None, difference)}")


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(parser=path_of, metavar="FIRST", help="A results folder.")],
    second: Annotated[Path, typer.Argument(parser=path_of, metavar="SECOND", help="Another one, of the same plans.")],
) -> None:
    """Set two results folders side by side, and say which of their numbers may be compared."""
    from harness.report.compare import table

    console.print(table(first, second))


@app.command(epilog=statuses({Exit.FAILED: "something is otherwise in the target; the rest was merged"}))
def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(parser=path_of, metavar="FOLDER...", help="Results folders; without --into, into the first."),
    ],
    into: Annotated[Path | None, folder_or_file("--into", help="Another folder, made if there is none.")] = None,
) -> None:
    """Bring results folders of several machines into one: runs, plans and data. A second merge changes nothing."""
    from harness.commands.merge import merge as go

    raise typer.Exit(go(console, folders, into))


@app.command()
def sync(
    plans: Plans = None,
    results: Results = Path("results"),
    storage: Storage = None,
) -> None:
    """Bring MLflow up to date with the records on disk; what is there already is left alone."""
    from harness.commands.sync import sync as go

    go(console, plans, results)


@app.command()
def status(
    plans: Plans = None,
    results: Results = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs.")] = False,
) -> None:
    """How far plans are, what trains where, what failed, and how long the rest takes; also while they run."""
    from harness.commands.status import print_status

    print_status(console, results, plans, as_json)


@app.command()
def ui(
    results: Results = Path("results"),
    port: Port = MLFLOW.port,
    host: Host = MLFLOW.host,
    show: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the first view in a browser. By default, where there is a screen."),
    ] = None,
) -> None:
    """Serve MLflow's pages of a results folder, and say where each plan is shown."""
    from harness.commands.ui import serve_ui

    serve_ui(console, results, Address(host, port), show)


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
