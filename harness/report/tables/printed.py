"""Tables as they are printed: for the terminal, and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from textwrap import wrap

from rich import box
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from harness.analysis.analysis import Analysis
from harness.base.markdown import literal
from harness.report.cautions import cautions
from harness.report.pages.answer import answer, rule
from harness.report.tables import new_data, overall
from harness.report.tables.certainty import DIFFERENCE, certainty, sensitivity
from harness.report.tables.costs import spent
from harness.report.tables.details import failures, knobs
from harness.report.tables.grids import Cell, Column, Grid, by_task, ranked
from harness.report.tables.windows import windows

HOW_TO_READ = (
    "Mean over seeds [95 % Student-t interval]. A seed is one initialisation and one order of the training examples on "
    "the same data, unless a caution says otherwise. Differences are paired by seed. Each interval is for its own row; "
    "p is corrected for the number of arms (Holm), and what passes .05 is bold."
)


NAMES, VALUES = 24, 16
"""Characters that names keep where further columns take room, and that values keep always."""


class AsWide:
    """For the terminal: the brief columns, and of the others as many as fit; the interval under its mean."""

    def __init__(self, grid: Grid, title: str) -> None:
        self._grid, self._title = grid, title
        self._brief = [i for i, column in enumerate(grid.columns) if column.brief]
        self._widths = [_width(column, [line[i] for line in grid.lines]) for i, column in enumerate(grid.columns)]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        brief = _table(self._grid, self._title, self._brief)
        return Measurement(Measurement.get(console, options, brief).minimum, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self._brief
        for i in range(len(self._grid.columns)):
            wider = sorted({*shown, i})
            if sum(self._widths[j] + 1 for j in wider) <= options.max_width + 1:
                shown = wider
        yield _table(self._grid, self._title, shown, self._widths if len(shown) > len(self._brief) else None)


def _width(column: Column, cells: Sequence[Cell]) -> int:
    """What a column needs: that neither its values break nor its unit, and its title once at most."""
    title = next(w for w in range(1, 1 + len(column.title)) if len(wrap(column.title, w)) <= 2)
    return max(min(_widest(cells), NAMES if column.words else VALUES), title, len(column.unit))


def _widest(cells: Sequence[Cell]) -> int:
    return max((max(len(cell.text), len(cell.note)) for cell in cells), default=1)


def _table(grid: Grid, title: str, shown: list[int], widths: Sequence[int] | None = None) -> Table:
    """widths: of all columns of the grid; None: as they come, where names break as much as they must."""
    table = Table(title=Text(title), title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.title_justify = "left"
    for i in shown:
        column = grid.columns[i]
        heading = Text(column.title)
        if column.unit:
            heading.append("\n" + column.unit, style="dim not bold")
        least = None if column.words else min(_widest([line[i] for line in grid.lines]), VALUES)
        width = None if widths is None else widths[i]
        justify: JustifyMethod = "left" if column.words else "right"
        table.add_column(heading, justify=justify, min_width=least, width=width, overflow="fold")
    for n, line in enumerate(grid.lines):
        style = "dim" if n == grid.reference else ""
        table.add_row(*(_rich_cell(line[i], grid.columns[i]) for i in shown), style=style)
    return table


def as_markdown(grid: Grid) -> str:
    """A pipe table; every interval beside its mean."""
    heads = [f"{c.title} ({c.unit})" if c.unit else c.title for c in grid.columns]
    rules = [":--" if c.words else "--:" for c in grid.columns]
    body = [[_markdown_cell(c) for c in line] for line in grid.lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in (map(literal, heads), rules, *body)) + "\n"


def terminal(analysis: Analysis) -> Table:
    """The ranked tables of every group of a plan, one under the other, with the answer of each."""
    page = Table.grid()
    for each in analysis.groups:
        group, found = each.group, answer(each)
        page.add_row(AsWide(ranked(each), f"{group.name}: {found.headline}"))
        page.add_row(Text(found.text))
        for caution in cautions(each):
            page.add_row(Text(caution, style="yellow"))
        page.add_row(Text(f"Chosen epoch: {rule(group)}.\n", style="dim"))
    page.add_row(Text(f"none is plain training, without a mitigation. {HOW_TO_READ}", style="dim"))
    return page


def markdown(
    analysis: Analysis, pictures: Mapping[int, Sequence[tuple[str, str]]], difference: float = DIFFERENCE
) -> str:
    """The published page of a plan: the answer, curves and tables of each group.

    pictures: by index of a group, what its pictures show and their files; the diagram of ranks is
    `<table>-ranks.svg`. difference: the one whose price in seeds is given.
    """
    comparison = analysis.comparison
    result = comparison.result
    parts = [f"# {literal(result.table)}", literal(comparison.plan.description)]
    if not result.complete:
        parts.append("**This plan is not complete: some runs are still to come.**")
    if len(comparison.groups) > 1:
        parts += ["## All data sets", as_markdown(overall.across(analysis))]
    if analysis.pooled:
        grid = new_data.table(analysis, difference)
        parts += ["## A new data set", literal(new_data.sentence(analysis)), as_markdown(grid)]
    parts.append(literal(spent(comparison)))
    for i, each in enumerate(analysis.groups):
        group, found = each.group, answer(each)
        parts += [f"## {literal(group.name)}", f"**{literal(found.headline)}.** {literal(found.text)}"]
        parts.append(f"Chosen epoch: {literal(rule(group))}.")
        parts += ["".join(f"- {literal(caution)}\n" for caution in cautions(each))]
        parts += [f"![{literal(shows)}]({file})" for shows, file in pictures.get(i, ())]
        parts.append(as_markdown(ranked(each)))
        if (grid := certainty(each, against_none=False, difference=difference)).lines:
            parts += ["### How sure", literal(sensitivity(each, difference)), as_markdown(grid)]
        further = {"Gain by window": windows(each), "Gain by task": by_task(each)}
        for title, grid in {**further, "Knobs": knobs(group), "Failed": failures(group)}.items():
            parts += [f"### {title}", as_markdown(grid)] if grid.lines else []
    if (ranking := analysis.ranking) is not None:
        parts += ["## Over data sets and tasks", literal(overall.summary(ranking))]
        parts += [f"![average ranks]({result.table}-ranks.svg)", as_markdown(overall.table(ranking))]
    parts.append(HOW_TO_READ + " Columns are explained in [results/README.md](../README.md).")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _markdown_cell(value: Cell) -> str:
    text = literal(value.text)
    return f"{f'**{text}**' if value.sign else text} {literal(value.note)}".strip()


class _Words:
    """Words that break at spaces and, as names do, at their joints, and nowhere else."""

    def __init__(self, value: Cell) -> None:
        self._parts = [re.findall(r"[^\s_+(]*[\s_+(]?", text) for text in (value.text, value.note)]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widest = max(len(part.strip()) for parts in self._parts for part in parts)
        return Measurement(widest, max(len("".join(parts)) for parts in self._parts))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for parts, style in zip(self._parts, ("", "dim not bold"), strict=True):
            lines = [""]
            for part in parts:
                if lines[-1] and len(lines[-1] + part.rstrip()) > options.max_width:
                    lines.append("")
                lines[-1] += part
            if lines != [""]:
                yield Text("\n".join(line.rstrip() for line in lines), style=style)


def _rich_cell(value: Cell, column: Column) -> Text | _Words:
    if column.words:
        return _Words(value)
    text = Text(value.text, style="bold" if value.sign else "")
    if value.note:
        text.append("\n" + value.note, style="dim not bold")
    return text
