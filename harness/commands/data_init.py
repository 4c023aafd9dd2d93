"""`multiepoch data init`: a first schema for a table, every guess of it with its reason."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.base.errors import one_line
from harness.base.terminal import Output
from harness.commands import out_file
from harness.data.guess.first_schema import first_schema
from harness.data.guess.guess import Guesses
from harness.data.guess.sample import Sample
from harness.data.guess.schema_text import MADE

WIDTH = 110
"""Columns that the reasons need; a narrower terminal wraps them."""


def write_schema(console: Console, source: str, out: Path, force: bool) -> None:
    """Guess the schema of table files, print every guess with its reason, and write it.

    Raises:
        UserError: the files cannot be read, or `out` exists or cannot be written.
    """
    out_file.ensure_toml(out)
    out_file.ensure_new(out, force)
    with console.status("reading a sample"):
        rows, guesses, sampled, text = first_schema(source)
    out_file.write(out, text)
    wide = console if console.width >= WIDTH else Output(width=WIDTH)
    wide.print(Text(f"guessed from {one_line(sampled)}"), soft_wrap=True)
    wide.print(guesses_table(rows, guesses))
    if not any(each.what == "label" for each in guesses.columns):
        wide.print(Text(_no_label(guesses, out), style="yellow"), soft_wrap=True)
    wide.print(Text(f"{out}: read it, correct it, then `multiepoch data describe {out}`"), soft_wrap=True)


def _no_label(guesses: Guesses, out: Path) -> str:
    named = one_line(", ".join(guesses.candidates))
    among = f"candidates, of two values: {named}" if guesses.candidates else "none has two values"
    said = f"no label found; {among}. Write it under [labels]"
    if guesses.made is None:
        return f"{said}."
    return f"{said}, or take '{MADE.strip()}' away in {out} to have one made of the rows: {one_line(guesses.made.why)}."


def guesses_table(rows: Sample, guesses: Guesses) -> Table:
    """Every guess with its reason."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("column", "taken as", "schema", "why"):
        table.add_column(title, overflow="fold")
    for key, (value, why) in rows.written.items():
        table.add_row("", Text(key), Text(repr(value)), Text(one_line(why)))
    if rows.features is not None:
        table.add_row("", Text("query"), Text("SELECT ..."), Text(rows.features.why))
    for each in (*guesses.columns, *guesses.whole):
        said = "" if each.what == "left out" else ", ".join(map(_shown, each.entries.values()))
        table.add_row(*(Text(one_line(cell)) for cell in (each.column, each.what, said, each.why)))
    return table


def _shown(value: str | dict[str, str]) -> str:
    """What stands in the schema, the kind left out."""
    if isinstance(value, str):
        return value
    sql, *options = value.items()
    return ", ".join([sql[1], *(f"{name} = {text!r}" for name, text in options)])
