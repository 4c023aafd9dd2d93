"""`multiepoch data describe`: what a data set looks like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from harness.base.errors import UserError
from harness.data.estimate import Estimate
from harness.data.indexed import SPLITS
from harness.data.profile.inputs import described
from harness.data.profile.rank_plot import rank_plot
from harness.data.profile.statistics import Profile
from harness.data.profile.times import span
from harness.data.profile.zipf_fit import Frequencies
from harness.execution.said import Said

T = TypeVar("T")
DRAWN = (".png", ".svg", ".pdf")
WIDTH = 110
"""Columns that the tables need; a narrower terminal wraps them, which beats leaving numbers out."""


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
    if png is not None and png.suffix not in DRAWN:
        raise UserError(f"--png '{png}' is not drawn; accepted: a file named *{', *'.join(DRAWN)}")
    console = console if console.width >= WIDTH else Console(width=WIDTH)
    said = Said(console, "building and counting")
    items = _watched(said, described(source, results, plugins, overrides, schema, said))
    for i, (name, counts, found, misleading) in enumerate(items):
        console.print(
            f"[bold]{name}[/]  {'  '.join(f'{part} {n:,}' for part, n in found.rows.items())}", highlight=False
        )
        for part, (first, last) in found.spans.items():
            console.print(f" {part:<6} {span(first, last)}", highlight=False)
        for note in found.notes:
            console.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)
        console.print(_fields(found))
        for table in _kinds(found):
            console.print()
            console.print(table)
        if found.tasks:
            console.print()
            console.print(_tasks(found))
        for finding in misleading:
            console.print(str(finding), style="yellow", markup=False, highlight=False, soft_wrap=True)
        if png is not None:
            path = png if i == 0 else png.with_stem(f"{png.stem}-{i + 1}")
            rank_plot(name, counts, found, path)
            console.print(f"rank-frequency plot: {path}", soft_wrap=True)


def _watched(said: Said, items: Iterator[T]) -> Iterator[T]:
    """The same, with a sign of life while each is on its way."""
    while True:
        with said:
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


def _kinds(found: Profile) -> Iterator[Table]:
    """Of numbers and of lists, if there are any."""
    if found.numbers:
        table = _plain("number", "missing in train", "in test", "mean of test, in deviations of train")
        for number in found.numbers:
            table.add_row(
                number.name, f"{number.missing_train:.1%}", f"{number.missing_test:.1%}", f"{number.moved:+.2f}"
            )
        yield table
    if found.lists:
        table = _plain("list", "table", "ids in train", "mean length in test", "test unseen")
        for each in found.lists:
            table.add_row(each.name, each.table, f"{each.ids:,}", f"{each.mean_length:.1f}", f"{each.unseen:.1%}")
        yield table


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
