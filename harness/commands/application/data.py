"""`multiepoch data`: look at data, match it, and make it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.base.errors import UserError
from harness.base.exits import Exit
from harness.commands.application.arguments import QUICK, Force, Overrides, Plugins, Results, console, folder_or_file
from harness.commands.application.statuses import statuses

app = typer.Typer(help="Look at data, match it, and make data of any size.", no_args_is_help=True)
WHAT = "The name of a preset or plan, or a file: plan, schema or population (.toml), .parquet, .csv."
Source = Annotated[str, typer.Argument(help=WHAT)]
TableSchema = Annotated[str | None, typer.Option("--schema", help="Says what is what in a .parquet or .csv file.")]


@app.command()
def init(
    source: Annotated[str, typer.Argument(metavar="DATA", help="A table file, a folder of them, or a pattern.")],
    out: Annotated[Path, folder_or_file("--out", help="The schema to write, a TOML file.")] = Path("my_schema.toml"),
    force: Force = False,
) -> None:
    """Guess what the columns of a table are, say why, and write a schema to edit."""
    from harness.commands.data_init import write_schema

    write_schema(console, source, out, force)


@app.command()
def describe(
    source: Source = QUICK,
    schema: TableSchema = None,
    results: Results = Path("results"),
    plugins: Plugins = None,
    overrides: Overrides = None,
    png: Annotated[Path | None, folder_or_file("--png", help="Where to draw its pictures.")] = None,
    page: Annotated[Path | None, folder_or_file("--page", help="Where to write all of it as an HTML page.")] = None,
) -> None:
    """Describe data sets, built if need be: tails, unseen ids, base rates and drift by day, what goes together."""
    from harness.commands.data_describe import print_data

    print_data(console, source, schema, results, plugins, overrides, png, page)


@app.command()
def match(
    source: Source,
    out: Annotated[Path, folder_or_file("--out", help="The preset to write, a TOML file.")],
    schema: TableSchema = None,
    results: Results = Path("results"),
    plugins: Plugins = None,
    force: Force = False,
) -> None:
    """Fit the generator's knobs to a data set, write them as a preset, and show how near it comes.

    Policies and positions are for you to add (docs/engine.md): a log does not tell why a row was shown.
    """
    from harness.commands.data_match import write_match

    write_match(console, source, schema, out, results, plugins, force)


@app.command()
def sample(
    source: Annotated[str, typer.Argument(metavar="DATA", help="A table file, a folder of them, or a pattern.")],
    by: Annotated[str, typer.Option("--by", help="The column whose values are drawn, as users: each with all rows.")],
    keep: Annotated[float, typer.Option("--keep", help="The share of them, above 0 and below 1.")],
    out: Annotated[Path, folder_or_file("--out", help="The file to write, Parquet.")] = Path("sample.parquet"),
    force: Force = False,
) -> None:
    """Write a sample of a log: some users with all their rows, by a hash; and what that does to other ids."""
    from harness.commands.data_sample import write_sample

    if not 0 < keep < 1:
        raise UserError(f"--keep {keep:g}; accepted: above 0 and below 1")
    write_sample(console, source, by, keep, out, force)


@app.command()
def random(
    out: Annotated[Path, folder_or_file("--out", help="The preset to write, a TOML file.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed draws another population.")] = 0,
    rows: Annotated[int, typer.Option("--rows", help="Of all splits.")] = 500_000,
    force: Force = False,
) -> None:
    """Draw a population over every knob of the generator, and write it as a preset."""
    from harness.commands.data_random import write_random

    write_random(console, seed, rows, out, force)


@app.command()
def write(
    source: Annotated[str, typer.Argument(help="A preset, or a population of your own (.toml).")],
    out: Annotated[Path, folder_or_file("--out", help="A new folder for train, valid and test.parquet.")],
    rows: Annotated[int | None, typer.Option("--rows", min=1000, help="Instead of the preset's.")] = None,
    part: Annotated[str | None, typer.Option("--slice", help="These rows alone, as 1000:2000, in one file.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="A plan's data_seed.")] = 0,
) -> None:
    """Write synthetic rows as Parquet, lists and sequences too, with truth, delays and what training could see."""
    from harness.data.synthetic.export import write_parquet

    write_parquet(console, source, out, rows, part, seed)


@app.command(epilog=statuses({Exit.FAILED: "a target was missed"}))
def table(
    names: Annotated[list[str] | None, typer.Argument(metavar="PRESET", help="By default, all.")] = None,
    out: Annotated[Path, folder_or_file("--out", help="Where the table goes.")] = Path("results/report/generator.md"),
) -> None:
    """Build every preset, and write target against produced of every statistic."""
    from harness.commands.data_table import write_table

    raise typer.Exit(write_table(console, names or [], out))
