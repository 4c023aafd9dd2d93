"""Tables for the terminal: the plug-ins there are, what a data set looks like, and who conforms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from harness.check import conformance
from harness.corpus import SPLITS
from harness.frequency import Frequencies
from harness.plugin import knobs
from harness.profile import Estimate, Profile
from harness.rankplot import rank_plot
from harness.registry import Entry, Registry
from harness.sources import described

T = TypeVar("T")
WIDTH = 110
"""Columns that the tables need; a narrower terminal wraps them, which beats leaving numbers out."""


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


def print_data(
    console: Console,
    source: str,
    schema: str | None,
    results: Path,
    plugins: Path | None,
    overrides: list[str] | None,
    png: Path | None,
) -> None:
    """Build if need be, describe, and plot how often ids occur."""
    console = console if console.width >= WIDTH else Console(width=WIDTH)
    items = _watched(console, described(source, results, plugins, overrides, schema))
    for i, (name, counts, found) in enumerate(items):
        console.print(
            f"[bold]{name}[/]  {'  '.join(f'{part} {n:,}' for part, n in found.rows.items())}", highlight=False
        )
        console.print(_fields(found))
        if found.tasks:
            console.print()
            console.print(_tasks(found))
        if png is not None:
            path = png if i == 0 else png.with_stem(f"{png.stem}-{i + 1}")
            rank_plot(name, counts, found, path)
            console.print(f"rank-frequency plot: {path}", soft_wrap=True)


def _watched(console: Console, items: Iterator[T]) -> Iterator[T]:
    """The same, with a sign of life while each is on its way."""
    while True:
        with console.status("building and counting"):
            item = next(items, None)
        if item is None:
            return
        yield item


def _plain(*columns: str) -> Table:
    table = Table(*columns, box=None, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _fields(found: Profile) -> Table:
    columns = ("field", "ids in train", "once", "N>=10 / N>=2", "top 1%", "top 10%", "exponent", "shift")
    table = _plain(*columns, *(("test unseen", "seen once") if found.tasks else ()))
    for field in found.fields:
        law, tested = field.law, (field.unseen, field.once) if found.tasks else ()
        fitted = (
            ("-", "") if law is None else (f"{law.exponent:.3f}±{(law.high - law.low) / 2:.3f}", f"{law.shift:.1f}")
        )
        table.add_row(field.name, *_shares(field.frequencies), *fitted, *(f"{share:.1%}" for share in tested))
    tested = (found.rarest_unseen, found.rarest_once) if found.tasks else ()
    table.add_row("all", *_shares(found.everything), "", "", *(f"{share:.1%}" for share in tested))
    return table


def _shares(f: Frequencies) -> tuple[str, ...]:
    return f"{f.ids:,}", *(f"{share:.1%}" for share in (f.singletons, f.ten, f.top_1, f.top_10))


def _tasks(found: Profile) -> Table:
    table = _plain("task", *(f"{part} positives" for part in SPLITS), "test rate", "best AUC on test", "and logloss")
    for task in found.tasks:
        counts = (f"{task.positives[part]:,}" for part in SPLITS)
        table.add_row(task.name, *counts, f"{task.rates['test']:.3%}", _estimate(task.auc), _estimate(task.logloss))
    return table


def _estimate(value: Estimate | None) -> str:
    return "unknown" if value is None else f"{value.value:.4f}±{value.error:.4f}"


def print_conformance(console: Console, names: list[str], plugins: Path | None) -> int:
    """Run the checks; the exit status is 1 if one failed."""
    failed = 0
    for v in conformance(Registry(plugins), names):
        failed += v.outcome == "failed"
        style = {"passed": "green", "failed": "red", "skipped": "yellow"}[v.outcome]
        console.print(
            f"[{style}]{v.outcome:8}[/]{v.kind} {v.plugin}: {v.check}{' - ' + v.reason if v.reason else ''}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"{failed} failed" if failed else "all passed", style="red" if failed else "green")
    return int(failed > 0)
