"""`multiepoch submission`: report under the protocol, and verify a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.base.exits import Exit
from harness.commands.application.arguments import Plugins, Results, console, folder_or_file, path_of
from harness.commands.application.statuses import statuses

app = typer.Typer(help="Report a strategy under the protocol, and verify a report.", no_args_is_help=True)


@app.command("make")
def make_submission(
    plan: Annotated[str, typer.Argument(help="The plan of the protocol that was run: protocol_defaults or _tuned.")],
    out: Annotated[Path, folder_or_file("--out", help="The file to write, a .zip.")],
    by: Annotated[str, typer.Option("--by", help="Who submits, and where more can be read.")],
    results: Results = Path("results"),
    plugins: Plugins = None,
) -> None:
    """Pack a finished plan into one file: strategies, what was searched, records and environment."""
    from harness.commands.submission import make

    make(console, plan, out, by, results, plugins)


@app.command("verify", epilog=statuses({Exit.DONE: "verified", Exit.FAILED: "not verified"}))
def verify_submission(
    file: Annotated[Path, typer.Argument(parser=path_of, metavar="FILE", help="A submission.")],
    choice: Annotated[
        int | None, typer.Option("--choice", min=0, help="Draws the runs. By default, drawn at random.")
    ] = None,
    run_its_code: Annotated[
        bool, typer.Option("--run-its-code", help="Run strategies of the submission, which can do all that you can.")
    ] = False,
) -> None:
    """Check a submission, then train a run of each strategy, drawn at random, again, and compare."""
    from harness.commands.submission import verify

    raise typer.Exit(verify(console, file, choice, run_its_code))


@app.command("table")
def table_of_submissions(
    folder: Annotated[Path, typer.Argument(parser=path_of, metavar="FOLDER", help="Of submissions.")] = Path(
        "results/submissions"
    ),
    out: Annotated[Path, folder_or_file("--out", help="Where the table goes.")] = Path("results/report/submissions.md"),
) -> None:
    """Write the table of all submissions in a folder, and whether each was verified."""
    from harness.commands.submission import table

    table(console, folder, out)
