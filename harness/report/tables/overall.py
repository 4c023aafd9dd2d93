"""A plan's arms over all its data sets and tasks: a sentence, a table and a critical-difference diagram."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from harness.analysis.analysis import Analysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.inference import LEVEL
from harness.analysis.ranks import Ranking
from harness.metrics.catalog import METRICS, measured
from harness.report.format import NOTHING, digits_for, listed, p_is
from harness.report.tables.grids import Cell, Column, Grid, cell, numbered


def across(analysis: Analysis) -> Grid:
    """The gain of every arm in the plan's task on each data set, by its average rank over them; best first.

    An arm without a gain somewhere has no rank and comes last. Of more data sets than arms, each data set is a line.
    """
    groups, found = [each.group for each in analysis.groups], [each.ranked for each in analysis.groups]
    lines = [{row.arm.label: (rank, row) for rank, row in numbered(group)} for group in found]
    ranks = {name: [int(rank) if (rank := line[name][0]) else inf for line in lines] for name in _in_all(lines)}
    order = sorted(ranks, key=lambda name: sum(ranks[name]))
    what = [f"gain in {g.split} {measured(g.task, g.metric)}" for g in groups]
    arms = [_across(name, lines, ranks[name], found) for name in order]
    if len(groups) > len(order) and len(set(what)) == 1:
        names = [Cell(g.name) for g in groups] + [Cell("average rank", f"over {len(lines)}")]
        columns = [Column("data set", words=True), *(Column(arm[0].text, what[0]) for arm in arms)]
        return Grid(tuple(columns), tuple(zip(names, *(arm[1:] for arm in arms), strict=True)))
    columns = [Column("strategy", words=True)]
    columns += [Column(g.name, unit) for g, unit in zip(groups, what, strict=True)]
    columns.append(Column("average rank", f"over {len(lines)}"))
    return Grid(tuple(columns), tuple(arms))


Ranked = dict[str, tuple[str, ArmComparison]]


def _in_all(lines: Sequence[Ranked]) -> list[str]:
    """Names of the arms that every data set has; the reference is none."""
    return [n for n, (_, row) in lines[0].items() if not row.arm.is_baseline and all(n in line for line in lines)]


def _across(
    name: str, lines: Sequence[Ranked], ranks: Sequence[float], found: Sequence[list[ArmComparison]]
) -> tuple[Cell, ...]:
    cells = []
    for line, group in zip(lines, found, strict=True):
        row = line[name][1]
        cells.append(cell(row.value("gain"), digits_for(group), 1, row.shown("gain")))
    average = sum(ranks) / len(ranks)
    return (Cell(name), *cells, Cell(NOTHING if average == inf else f"{average:.1f}"))


def summary(ranking: Ranking) -> str:
    """What the ranks say, and of what."""
    blocks, metric = len(ranking.blocks), METRICS[ranking.metric].title
    places = "one data set" if blocks == 1 else f"{blocks} data sets or models"
    tasks = f", in {ranking.tasks} tasks" if ranking.tasks > blocks else ""
    text = f"Average rank of {len(ranking.names)} arms by gain in {metric} over {places}{tasks}."
    if ranking.p is None or ranking.critical_difference is None:
        text += " Too few for a test, as the tasks of one share their runs: the ranks describe these runs alone."
    else:
        text += (
            " Each counts once, by mean ranks over its tasks, which share their runs. Friedman's test: "
            f"{'the arms differ' if ranking.p < LEVEL else 'no difference between arms is shown'} "
            f"({p_is(ranking.p)}). Arms whose average ranks are less than "
            f"{ranking.critical_difference:.2f} apart are not told from each other (Nemenyi); bars join them."
        )
    if ranking.left_out:
        text += (
            f" Without a result in every block, or with failed seeds, and left out: {listed(list(ranking.left_out))}."
        )
    return text


def table(ranking: Ranking) -> Grid:
    """Average ranks, best first."""
    columns = (Column("strategy", words=True), Column("average rank", f"of {len(ranking.names)}"))
    lines = ((Cell(name), Cell(f"{rank:.2f}")) for name, rank in zip(ranking.names, ranking.ranks, strict=True))
    return Grid(columns, tuple(lines))
