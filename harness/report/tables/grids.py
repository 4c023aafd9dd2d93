"""The comparison of a group as tables, before anything is printed: ranked, and by task."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison, family
from harness.analysis.estimates import Estimate
from harness.analysis.groups import ArmRuns
from harness.base.words import counted
from harness.metrics.catalog import measured, sign_of
from harness.report.format import (
    NOTHING,
    baseline_name,
    digits_for,
    epochs_text,
    interval,
    number,
    probability,
)


@dataclass(frozen=True)
class Column:
    """title, and the unit or rule under it. brief: also shown in a terminal. words: aligned left."""

    title: str
    unit: str = ""
    brief: bool = True
    words: bool = False


@dataclass(frozen=True)
class Cell:
    """A value and what stands under it.

    sign: 1 or -1 if it is better or worse than zero, after correction. link: what it leads to beside the page.
    """

    text: str
    note: str = ""
    sign: int = 0
    link: str = ""


@dataclass(frozen=True)
class Grid:
    """A table before it is printed. reference: index of the line the others are measured against."""

    columns: tuple[Column, ...]
    lines: tuple[tuple[Cell, ...], ...]
    reference: int | None = None

    @property
    def brief(self) -> Grid:
        """The columns that are also shown in a terminal."""
        kept = [i for i, column in enumerate(self.columns) if column.brief]
        lines = (tuple(line[i] for i in kept) for line in self.lines)
        return Grid(tuple(self.columns[i] for i in kept), tuple(lines), self.reference)


def in_rank(grid: Grid, analysis: GroupAnalysis) -> Grid:
    """A table of arms in the order of the ranking: of a long one a page shows the first lines alone."""
    place = {row.arm.label: n for n, row in enumerate(analysis.ranked)}
    return replace(grid, lines=tuple(sorted(grid.lines, key=lambda line: place.get(line[0].text, len(place)))))


def ranked(analysis: GroupAnalysis) -> Grid:
    """The comparison of a group in the plan's task and metric, largest gain first."""
    group, found = analysis.group, analysis.ranked
    digits, loss_digits = digits_for(found), digits_for(analysis.compared(group.task, "logloss"))
    unit, base = f"{group.split} {measured(group.task, group.metric)}", baseline_name(group)
    end, compared = f"epoch {group.epochs}", family(found, "gain")
    columns = (
        Column("#"),
        Column("strategy", words=True),
        Column(f"gain over {base}", unit),
        Column("p", f"Holm, {compared} arms" if compared > 1 else "Student t", brief=False),
        Column("over its own epoch 1", unit),
        Column("at the chosen epoch", unit, brief=False),
        Column("epoch", "chosen"),
        Column(f"gain if trained to {end}", unit),
        Column("after epoch 1", unit, brief=False),
        Column(f"after {end}", unit, brief=False),
        Column("epoch 2 - epoch 1", unit, brief=False),
        Column("boundary jump", "sample logloss in nats", brief=False),
    )
    lines = tuple(_line(i, row, digits, loss_digits, sign_of(group.metric)) for i, row in numbered(found))
    at = next((i for i, row in enumerate(found) if row.arm.is_baseline and row.value("best")), None)
    return Grid(columns, lines, at)


def by_task(analysis: GroupAnalysis) -> Grid:
    """Gain at the chosen epoch in every task, in the plan's metric and in logloss."""
    group = analysis.group
    metrics = tuple(dict.fromkeys((group.metric, "logloss")))
    order = [row.arm for row in analysis.ranked if not row.arm.is_baseline]
    columns, lines = [Column("strategy", words=True)], [[Cell(arm.label)] for arm in order]
    for task in group.tasks:
        for metric in metrics:
            columns.append(Column(measured(task, metric), f"{group.split}, positive is better"))
            found = analysis.compared(task, metric)
            by_arm = {id(row.arm): row for row in found}
            for line, row in zip(lines, (by_arm[id(arm)] for arm in order), strict=True):
                line.append(cell(row.value("gain"), digits_for(found), 1, row.shown("gain")))
    return Grid(tuple(columns), tuple(map(tuple, lines)))


def cell(value: Estimate | None, digits: int, better: int = 0, shown: int = 0) -> Cell:
    """better: 1 or -1 for a difference, as more or less of it is better; 0 for a level. shown: as of
    `ArmComparison.shown`."""
    if value is None:
        return Cell(NOTHING)
    if better and value.identical:
        return Cell("0", "identical")
    return Cell(number(value.mean, digits, bool(better)), interval(value, digits), shown * better)


def seeds_and_trials(arm: ArmRuns) -> str:
    """`2 of 3 seeds, untuned`."""
    return f"{arm.completeness}, {counted(len(arm.arm.trials), 'trial') if arm.arm.tuned else 'untuned'}"


def numbered(found: list[ArmComparison]) -> Iterator[tuple[str, ArmComparison]]:
    """Rows with their rank, equal gains sharing theirs; the baseline and arms without a gain have none."""
    place, rank, before = 0, 0, math.nan
    for row in found:
        gain = row.value("gain")
        if row.arm.is_baseline or gain is None:
            yield "", row
            continue
        place += 1
        rank, before = (rank if gain.mean == before else place), gain.mean
        yield str(rank), row


def _line(rank: str, row: ArmComparison, digits: int, loss_digits: int, sign: int) -> tuple[Cell, ...]:
    def value(name: str, better: int = 0) -> Cell:
        return cell(row.value(name), digits, better, row.shown(name))

    gain = row.value("gain")
    reference = row.arm.is_baseline
    return (
        Cell(rank),
        Cell(row.arm.label, seeds_and_trials(row.arm)),
        Cell("reference") if reference else value("gain", 1),
        Cell(NOTHING if gain is None or gain.identical else probability(row.p("gain"))),
        Cell(NOTHING) if reference else value("gain_after_own_first", 1),
        value("best"),
        Cell(epochs_text(row.epochs)),
        value("final_epoch_gain", 1),
        value("first"),
        value("last"),
        value("second_epoch_change", sign),
        cell(row.value("jump"), loss_digits, -1, row.shown("jump")),
    )
