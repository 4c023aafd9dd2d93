"""`multiepoch list`: plug-ins with their parameters, plans, schemas, presets, metrics and probes.

Reads their files without running them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.base.errors import UserError, nearest
from harness.base.places import DATASETS, PLANS, PRESETS
from harness.metrics.catalog import METRICS, PROBES, MetricInfo, Needs
from harness.plugins.registry import Entry, Registry


def print_plugins(console: Console, plugins: Path | None, what: str | None = None) -> None:
    """Every plug-in with what it does in a sentence, and one line per parameter; then files and words that plans name.

    what: a kind, or one of the names that are listed, whose file is named too; None: all.

    Raises:
        UserError: there is no such kind or name.
    """
    registry = Registry(plugins)
    kinds: dict[str, dict[str, Entry[Any]]] = {
        "strategies": registry.strategies,
        "datasets": registry.datasets,
        "models": registry.models,
    }
    named = {name: (kind, entry) for kind, entries in kinds.items() for name, entry in entries.items()}
    files = [(path, says) for _, folder, says in FILES.values() for path in sorted(folder.glob("*.toml"))]
    sections, found = (*kinds, *FILES, *WORDS), [(path, says) for path, says in files if path.stem == what]
    if what is not None and what not in (*sections, *named) and not found:
        near = nearest(what, (*sections, *named, *(path.stem for path, _ in files)))
        accepted = f"{', '.join(sections)}, or a name that they list"
        raise UserError(f"unknown kind or name '{what}'; {near}accepted: {accepted}")
    for kind in (k for k in kinds if what in (None, k)):
        console.print(_heading(kind))
        for name, entry in kinds[kind].items():
            _print(console, name, entry, kind)
    for heading, folder, says in (FILES[k] for k in FILES if what in (None, k)):
        console.print(_heading(heading), _lines({path.stem: says(path) for path in sorted(folder.glob("*.toml"))}))
    for heading, lines in (WORDS[k] for k in WORDS if what in (None, k)):
        console.print(_heading(heading), _lines(lines))
    if what in named:
        kind, entry = named[what]
        _print(console, what, entry, kind)
        lines_of = [f"source: {entry.declaration.source}"] if entry.declaration.source else []
        console.print("\n".join([*lines_of, f"file: {entry.path}"]), markup=False, highlight=False, soft_wrap=True)
    for path, says in found:
        console.print(_lines({path.stem: says(path)}))
        console.print(f"file: {path}", markup=False, highlight=False, soft_wrap=True)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold underline")


def _print(console: Console, name: str, entry: Entry[Any], kind: str) -> None:
    console.print(_lines({name: entry.declaration.summary}))
    if entry.declaration.knobs:
        console.print(_knobs(entry, searched=kind == "strategies"))


def _lines(texts: Mapping[str, str]) -> Table:
    """Name -> text, set side by side."""
    table = Table.grid(padding=(0, 2, 0, 1))
    table.add_column(no_wrap=True)
    for name, text in texts.items():
        table.add_row(Text(name, style="bold"), Text(text, style="dim"))
    return table


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


def _metric(info: MetricInfo) -> str:
    better = {True: "more is better", False: "less is better", None: "selects nothing"}[info.larger_is_better]
    return f"{info.meaning}; {better}{_needs(info.needs)}"


def _needs(what: Needs) -> str:
    return "" if what == Needs.LABELS else f"; needs {what}"


FILES: dict[str, tuple[str, Path, Callable[[Path], str]]] = {
    "plans": ("plans, as `multiepoch benchmark quick`", PLANS, _description),
    "schemas": ('schemas, as schema = "avazu" of table_file', DATASETS, _summary),
    "presets": ('presets, as preset = "avazu_like" of powerlaw', PRESETS, _description),
}
"""Kind of file -> its heading, its folder, and what a file of it says of itself."""
WORDS = {
    "metrics": ('metrics, as metric = "auc" under [search]', {name: _metric(info) for name, info in METRICS.items()}),
    "probes": (
        'probes, as probes = ["row_norm"] under [evaluation]',
        {name: f"{probe.meaning}{_needs(probe.needs)}" for name, probe in PROBES.items()},
    ),
}
"""Kind of word that plans take -> its heading, and what each means."""
