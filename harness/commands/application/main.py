"""The whole application, and obeying it."""

from __future__ import annotations

from typing import Annotated

import typer

from harness import __version__
from harness.base.errors import UserError
from harness.base.exits import Exit
from harness.commands.application import data, plugins, results, submission, training
from harness.commands.application.arguments import console
from harness.commands.application.statuses import statuses

FAILED = "a run, a check or a verification failed; the help of commands that end so says which"
app = typer.Typer(
    name="multiepoch",
    help="Is it safe to train this embedding model for more than one epoch, and which mitigation makes it pay?",
    epilog=statuses({Exit.FAILED: FAILED, Exit.CANNOT_TELL: "`diagnose` cannot tell"}),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for part in (training, plugins, results):
    app.add_typer(part.app)
app.add_typer(data.app, name="data")
app.add_typer(submission.app, name="submission")


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"multiepoch {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Is it safe to train this embedding model for more than one epoch, and which mitigation makes it pay?"""


def obey() -> int:
    """Do what the command line says. Returns the exit status.

    Raises:
        UserError: it is not accepted.
    """
    try:
        return int(app(prog_name="multiepoch", standalone_mode=False) or 0)
    except typer.TyperException as error:
        if not (problem := _said(error)):
            return Exit.REFUSED  # no command was given, and the help has been printed
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
