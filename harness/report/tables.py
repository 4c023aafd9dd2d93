"""Tables as they are printed: for the terminal, as Markdown, and every number behind them as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from rich import box
from rich.table import Table
from rich.text import Text

from harness.report.details import failures, knobs
from harness.report.estimates import Estimate
from harness.report.grids import Cell, Grid, by_task, numbered, ranked
from harness.report.load import Comparison, Group
from harness.report.stats import QUANTITIES, Row, rows
from harness.report.text import METRIC_NAMES, answer, rule

HOW_TO_READ = (
    "Mean over seeds [95 % Student-t interval]. A seed is one initialisation and one order of the training examples on "
    "the same data. Differences are paired by seed. Each interval is for its own row, not corrected for ranking many."
)


def as_rich(grid: Grid, title: str) -> Table:
    """For the terminal: the brief columns, the interval under its mean."""
    shown = [i for i, column in enumerate(grid.columns) if column.brief]
    table = Table(title=Text(title), title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.title_justify = "left"
    for i in shown:
        column = grid.columns[i]
        heading = Text(column.title)
        if column.unit:
            heading.append("\n" + column.unit, style="dim not bold")
        widest = max((max(len(line[i].text), len(line[i].note)) for line in grid.lines), default=1)
        width = None if column.words else min(widest, 16)
        table.add_column(heading, justify="left" if column.words else "right", min_width=width, overflow="fold")
    for n, line in enumerate(grid.lines):
        style = "dim" if n == grid.reference else ""
        table.add_row(*(_rich_cell(line[i]) for i in shown), style=style)
    return table


def as_markdown(grid: Grid) -> str:
    """A pipe table; every interval beside its mean."""
    heads = [f"{c.title} ({c.unit})" if c.unit else c.title for c in grid.columns]
    rules = [":--" if c.words else "--:" for c in grid.columns]
    body = [[f"{c.text} {c.note}".strip() for c in line] for line in grid.lines]
    return "\n".join("| " + " | ".join(map(_safe, line)) + " |" for line in (heads, rules, *body)) + "\n"


def terminal(comparison: Comparison) -> Table:
    """The ranked tables of every group of a plan, one under the other, with the answer of each."""
    page = Table.grid()
    for group in comparison.groups:
        found = answer(group, rows(group, group.task, group.metric))
        page.add_row(as_rich(ranked(group), f"{group.name}: {found.headline}"))
        page.add_row(Text(found.text))
        page.add_row(Text(f"Chosen epoch: {rule(group)}.\n", style="dim"))
    page.add_row(Text(HOW_TO_READ, style="dim"))
    return page


def markdown(comparison: Comparison, pictures: Mapping[int, str]) -> str:
    """The published page of a plan: the answer, curves and tables of each group. pictures: their files, by index."""
    outcome = comparison.outcome
    parts = [f"# {outcome.name}", _safe(outcome.plan.get("description", ""))]
    if not outcome.complete:
        parts.append("**This plan is not complete: some runs are still to come.**")
    for i, group in enumerate(comparison.groups):
        found = answer(group, rows(group, group.task, group.metric))
        parts += [f"## {_safe(group.name)}", f"**{_safe(found.headline)}.** {_safe(found.text)}"]
        parts.append(f"Chosen epoch: {_safe(rule(group))}.")
        parts += [f"![{_safe(group.task)} by epoch]({pictures[i]})"] if i in pictures else []
        parts.append(as_markdown(ranked(group)))
        for title, grid in (("Gain by task", by_task(group)), ("Knobs", knobs(group)), ("Failed", failures(group))):
            parts += [f"### {title}", as_markdown(grid)] if grid.lines else []
    parts.append(HOW_TO_READ + " Columns are explained in [results/README.md](../README.md).")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def write_csv(comparison: Comparison, path: Path) -> None:
    """One line per arm, task, metric and quantity: everything the tables are made of, at full precision."""
    frame = pl.DataFrame(list(_facts(comparison)), infer_schema_length=None)
    frame.write_csv(path)


def _facts(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for group in comparison.groups:
        for task in group.tasks:
            for metric in (m for m in METRIC_NAMES if m in {group.metric, "auc", "logloss"}):
                for rank, row in numbered(rows(group, task, metric)):
                    yield from _row_facts(group, task, metric, rank, row)


def _row_facts(group: Group, task: str, metric: str, rank: str, row: Row) -> Iterator[dict[str, Any]]:
    arm = row.arm.arm
    about: dict[str, Any] = {"dataset": group.dataset, "model": group.model, "strategy": arm.strategy, "role": arm.role}
    about |= {"task": task, "metric": metric, "split": group.split, "select": arm.select, "rank": rank}
    about |= {"chosen_epochs": " ".join(map(str, row.epochs)), "tuned": arm.tuned, "trials": len(arm.trials)}
    about |= {"finished_seeds": len(row.arm.finished), "expected_seeds": len(row.arm.runs)}
    for quantity in QUANTITIES:
        measure = row.measures[quantity]
        values = {**_ends(measure.value, ""), **_ends(measure.against_none, "against_none_")}
        yield {**about, "quantity": quantity, **values, "chosen": json.dumps(arm.chosen, sort_keys=True)}


def _ends(value: Estimate | None, prefix: str) -> dict[str, Any]:
    mean, low, high, n = (None, None, None, 0) if value is None else (value.mean, value.low, value.high, value.n)
    return {f"{prefix}mean": mean, f"{prefix}low": low, f"{prefix}high": high, f"{prefix}n": n}


def _rich_cell(value: Cell) -> Text:
    text = Text(value.text, style="bold" if value.sign else "")
    if value.note:
        text.append("\n" + value.note, style="dim not bold")
    return text


def _safe(text: str) -> str:
    for character in "\\|<>*_`":
        text = text.replace(character, "\\" + character)
    return text
