"""`multiepoch list`: the plug-ins there are, with their parameters. Reads their files without running them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.plugins.registry import Entry, Registry


def print_plugins(console: Console, plugins: Path | None) -> None:
    """Every plug-in with what it does in a sentence, and one line per parameter."""
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


def _knobs(entry: Entry[Any], *, searched: bool) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 3))
    for column in ("parameter", "default", "accepted", *(["searched"] if searched else [])):
        table.add_column(column)
    for name, (default, knob) in entry.declaration.knobs.items():
        table.add_row(name, repr(default), knob.describe(), *(["yes" if knob.searchable else ""] if searched else []))
    return table
