"""`multiepoch list`: plug-ins with their parameters, and ready schemas. Reads their files without running them."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.base.places import DATASETS
from harness.plugins.registry import Entry, Registry


def print_plugins(console: Console, plugins: Path | None) -> None:
    """Every plug-in with what it does in a sentence, and one line per parameter; then the schemas."""
    registry = Registry(plugins)
    kinds: dict[str, dict[str, Entry[Any]]] = {
        "strategies": registry.strategies,
        "data sets": registry.datasets,
        "models": registry.models,
    }
    for kind, entries in kinds.items():
        console.print(Text(f"\n{kind}", style="bold underline"))
        for name, entry in entries.items():
            console.print(Text.assemble((f" {name}", "bold"), "  ", (entry.declaration.summary, "dim")))
            if entry.declaration.knobs:
                console.print(_knobs(entry, searched=kind == "strategies"))
    console.print(Text('\nschemas, as schema = "avazu" of table_file', style="bold underline"))
    for path in sorted(DATASETS.glob("*.toml")):
        console.print(Text.assemble((f" {path.stem}", "bold"), "  ", (_summary(path), "dim")))


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
