"""`multiepoch list`: the plug-ins there are, with their parameters."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.base.plugin import knobs
from harness.plugins.registry import Entry, Registry


def print_plugins(console: Console, plugins: Path | None) -> None:
    """Every plug-in, one line per parameter."""
    registry = Registry(plugins)
    kinds: dict[str, dict[str, Entry[Any]]] = {
        "strategies": registry.strategies,
        "data sets": registry.datasets,
        "models": registry.models,
    }
    for kind, entries in kinds.items():
        table = Table(title=kind, title_justify="left", title_style="bold", box=None, header_style="dim")
        for column in ("name and parameters", "default", "accepted", "searched"):
            table.add_column(column)
        for name, entry in entries.items():
            defaults = {f.name: f.default for f in dataclasses.fields(entry.cls)}
            table.add_row(f"[bold]{name}")
            for param, knob in knobs(entry.cls).items():
                searched = "yes" if knob.searchable and kind == "strategies" else ""
                table.add_row(f"  {param}", repr(defaults[param]), knob.describe(), searched)
        console.print(table)
