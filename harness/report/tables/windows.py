"""What arms gain window by window: after the first, after the last, and how that changes."""

from __future__ import annotations

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.windows import ArmWindows, by_window
from harness.metrics.catalog import measured
from harness.report.format import baseline_name, digits_for
from harness.report.tables.grids import Cell, Column, Grid, cell


def windows(analysis: GroupAnalysis) -> Grid:
    """A line for each arm, in the order of the ranking; none where the plan is not continual.

    Its gains are read twice: at the number of epochs that the arm's rule picks, and trained for all of the plan.
    """
    group, digits = analysis.group, digits_for(analysis.ranked)
    unit = f"{group.split} {measured(group.task, group.metric)}"
    chosen, trained_on = (_by_arm(analysis, last=last) for last in (False, True))
    columns = [Column("strategy", words=True)]
    for found, how in ((chosen, "at the chosen epoch"), (trained_on, f"if trained to epoch {group.epochs}")):
        last = max((window for each in found.values() for window in each.gains), default=0)
        columns += [
            Column(f"gain over {baseline_name(group)} after window 1, {how}", unit),
            Column(f"after window {last}, {how}", unit),
            Column(f"change of the gain per window, {how}", unit),
        ]
    lines = []
    for arm in (row.arm for row in analysis.ranked if id(row.arm) in chosen and not row.arm.is_baseline):
        both = (chosen[id(arm)], trained_on[id(arm)])
        gains = (value for each in both for value in (each.first, each.last, each.trend))
        lines.append((Cell(arm.label), *(cell(value, digits, 1, 0) for value in gains)))
    return Grid(tuple(columns), tuple(lines))


def _by_arm(analysis: GroupAnalysis, *, last: bool) -> dict[int, ArmWindows]:
    return {id(each.arm): each for each in by_window(analysis, last=last)}
