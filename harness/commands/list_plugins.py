"""`multiepoch list`: plug-ins with their parameters, plans and schemas. Reads their files without running them."""

from __future__ import annotations

import re
import tomllib
from itertools import takewhile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.base.errors import unknown
from harness.base.places import DATASETS, PLANS
from harness.plugins.registry import Entry, Registry


def print_plugins(console: Console, plugins: Path | None, what: str | None = None) -> None:
    """Every plug-in with what it does in a sentence, and one line per parameter; then plans and schemas.

    what: a kind, or the name of one plug-in, whose source is named too; None: all.

    Raises:
        UserError: there is no such kind or plug-in.
    """
    registry = Registry(plugins)
    kinds: dict[str, dict[str, Entry[Any]]] = {
        "strategies": registry.strategies,
        "datasets": registry.datasets,
        "models": registry.models,
    }
    files = {
        "plans": ("plans, as `multiepoch benchmark quick`", PLANS, _description),
        "schemas": ('schemas, as schema = "avazu" of table_file', DATASETS, _summary),
    }
    named = {name: (kind, entry) for kind, entries in kinds.items() for name, entry in entries.items()}
    if what is not None and what not in {*kinds, *files, *named}:
        raise unknown("kind or plug-in", what, [*kinds, *files, *named])
    for kind in (k for k in kinds if what in (None, k)):
        console.print(Text(f"\n{kind}", style="bold underline"))
        for name, entry in kinds[kind].items():
            _print(console, name, entry, kind)
    for heading, folder, says in (files[k] for k in files if what in (None, k)):
        console.print(Text(f"\n{heading}", style="bold underline"))
        for path in sorted(folder.glob("*.toml")):
            console.print(_line(path.stem, says(path)))
    if what in named:
        kind, entry = named[what]
        _print(console, what, entry, kind)
        lines = [f"source: {entry.declaration.source}"] if entry.declaration.source else []
        console.print("\n".join([*lines, f"file: {entry.path}"]), markup=False, highlight=False)


def _print(console: Console, name: str, entry: Entry[Any], kind: str) -> None:
    console.print(_line(name, entry.declaration.summary))
    if entry.declaration.knobs:
        console.print(_knobs(entry, searched=kind == "strategies"))


def _line(name: str, text: str) -> Text:
    return Text.assemble((f" {name}", "bold"), "  ", (text, "dim"))


def _description(plan: Path) -> str:
    values = tomllib.loads(plan.read_text())
    sheet = f"{values['says']} Run by `multiepoch facts --sheet {plan.stem}`." if "says" in values else ""
    return str(values.get("description", sheet))


def _summary(schema: Path) -> str:
    """The first sentence of the comment that a file begins with."""
    lines = takewhile(lambda line: line.startswith("#"), schema.read_text().splitlines())
    return re.split(r"(?<=[.?]) ", " ".join(line[1:].strip() for line in lines))[0]


def _knobs(entry: Entry[Any], *, searched: bool) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 3))
    for column in ("parameter", "default", "accepted", *(["searched"] if searched else [])):
        table.add_column(column)
    for name, (default, knob) in entry.declaration.knobs.items():
        table.add_row(name, repr(default), knob.describe(), *(["yes" if knob.searchable else ""] if searched else []))
    return table
