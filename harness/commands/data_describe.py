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
from harness.data.profile.statistics import Profile, TaskProfile
from harness.data.profile.times import cuts, moments
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
        console.print(f"[bold]{name}[/]", highlight=False)
        console.print(_splits(found))
        if cut := cuts([split.span for split in found.splits.values() if split.span is not None]):
            console.print(f" cut: {cut}", highlight=False, soft_wrap=True)
        for note in found.notes:
            console.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)
        if found.tasks:
            console.print()
            console.print(_tasks(found))
        console.print()
        console.print(_fields(found))
        for table in _kinds(found):
            console.print()
            console.print(table)
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


def _splits(found: Profile) -> Table:
    timed = any(split.span is not None for split in found.splits.values())
    weighed = any(split.weights is not None for split in found.splits.values())
    dates, weights = ("first", "last") if timed else (), ("least weight", "mean", "most") if weighed else ()
    table = _plain("split", "rows", *dates, *weights)
    for part, split in found.splits.items():
        shown = (f"{weight:.4g}" for weight in split.weights or ())
        table.add_row(part, f"{split.rows:,}", *moments(*(split.span or ())), *shown)
    return table


def _tasks(found: Profile) -> Table:
    """Positives of each label by split, and what the truth would reach, if it is known."""
    judged = any(task.auc is not None for task in found.tasks)
    best = ("best AUC on test", "and logloss") if judged else ()
    table = _plain("label", *(f"{part} positives" for part in SPLITS), *best)
    for task in found.tasks:
        reached = (_estimate(task.auc), _estimate(task.logloss)) if judged else ()
        table.add_row(task.name, *(_positives(found, task, part) for part in SPLITS), *reached)
        if task.full is not None:
            table.add_row("  of the full log", *(f"{task.full[part]:.3%}" for part in SPLITS))
    return table


def _positives(found: Profile, task: TaskProfile, part: str) -> str:
    known = task.known[part]
    of_known = "" if known == found.rows[part] else f" of {known:,}"
    return f"{task.positives[part]:,}{of_known} ({task.rates[part]:.2%})"


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


def _estimate(value: Estimate | None) -> str:
    return "unknown" if value is None else f"{value.value:.4f}±{value.error:.4f}"
