"""Commands on plug-ins: what there is, whether it holds, and code for elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.base.exits import Exit
from harness.commands.application.arguments import Force, Plugins, Results, Strategy, console, folder_or_file
from harness.commands.application.statuses import statuses

app = typer.Typer()


@app.command("list")
def list_plugins(
    what: Annotated[
        str | None,
        typer.Argument(
            help="strategies, datasets, models, plans, schemas, presets, metrics or probes; or the name of one, which "
            "says where its file is."
        ),
    ] = None,
    plugins: Plugins = None,
) -> None:
    """All that a plan can name: strategies, data sets and models with their parameters, and the rest."""
    from harness.commands.list_plugins import print_plugins

    print_plugins(console, plugins, what)


@app.command(epilog=statuses({Exit.FAILED: "a plug-in failed; what in data would mislead changes nothing"}))
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Plug-ins or plans. By default, all plug-ins.")
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
    out: Annotated[Path | None, folder_or_file("--out", help="The file to write. By default, it is printed.")] = None,
    table_optimizer: Annotated[
        str, typer.Option("--table-optimizer", help="adam, adagrad, rowwise_adagrad or sgd.")
    ] = "adam",
    table_lr: Annotated[float, typer.Option("--table-lr", help="The learning rate of the tables.")] = 0.001,
    dense_lr: Annotated[float, typer.Option("--dense-lr", help="Of the net; some strategies go by it.")] = 0.001,
    plugins: Plugins = None,
    force: Force = False,
) -> None:
    """Write a strategy for code of your own: an optimizer of embedding tables, and an encoder of ids."""
    from harness.commands.export import export as go

    train: dict[str, str | float] = {"table_optimizer": table_optimizer, "table_lr": table_lr, "dense_lr": dense_lr}
    go(console, strategy, to, out, train, plugins, force)
