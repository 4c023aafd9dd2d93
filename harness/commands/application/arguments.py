"""Arguments that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from harness.base.terminal import Output

console = Output(width=80 if os.environ.get("COLUMNS") == "0" else None)
"""As wide as the terminal, unless that says it has no width, in which nothing would be shown."""
QUICK = "quick"
"""The plan where none is named."""


def path_of(text: str | Path) -> Path:
    """Raises: BadParameter: nothing is named, which would mean the current folder."""
    if not str(text).strip() or "\0" in str(text):
        raise typer.BadParameter(f"{str(text)!r} is no path; accepted: the name of a folder or file")
    return Path(text)


def folder_or_file(name: str, help: str) -> Any:
    """An option that is a path."""
    return typer.Option(name, parser=path_of, metavar="PATH", help=help)


PlanName = Annotated[str, typer.Argument(help="A plan: the name of one that comes with multiepoch, or a TOML file.")]
Strategy = Annotated[str, typer.Argument(help="A strategy, as 'hashing(ratio=0.1)+reinit'.")]
Results = Annotated[Path, folder_or_file("--results", "Folder of records, MLflow, Optuna and report.")]
Plugins = Annotated[
    Path | None,
    folder_or_file(
        "--plugins", "A folder with plug-ins of your own: strategies/, datasets/, models/, or strategies alone."
    ),
]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Override a plan's key, as train.epochs=2.")]


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


def tracker_kind(off: bool) -> Literal["mlflow", "none"]:
    """A kind of `harness.tracking.factory`."""
    return "none" if off else "mlflow"
