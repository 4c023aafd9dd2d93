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


def folder_or_file(*names: str, help: str) -> Any:
    """An option that is a path."""
    return typer.Option(*names, parser=path_of, metavar="PATH", help=help)


PlanName = Annotated[
    str, typer.Argument(metavar="PLAN", help="The name of a plan that comes with multiepoch, or a TOML file.")
]
Strategy = Annotated[str, typer.Argument(help="A strategy, as 'hashing(ratio=0.1)+reinit'.")]
Results = Annotated[Path, folder_or_file("--results", help="Folder of records, MLflow, Optuna and report.")]
Plugins = Annotated[
    Path | None,
    folder_or_file(
        "--plugins", help="A folder with plug-ins of your own: strategies/, datasets/, models/, or strategies alone."
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a plan's key, as train.epochs=2. May be given again."),
]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Of every run, in the place of the plan's.")]
Rows = Annotated[
    int | None, typer.Option("--rows", min=1, help="Of every generated data set, in the place of the plan's.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that exists.")]


def overridden(epochs: int | None, rows: int | None, overrides: list[str] | None) -> list[str]:
    """What is given instead of a plan's keys, as `--set` takes it; what `--set` itself says goes before."""
    given = {"train.epochs": epochs, "dataset.rows": rows}
    return [*(f"{key}={value}" for key, value in given.items() if value is not None), *(overrides or [])]


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
