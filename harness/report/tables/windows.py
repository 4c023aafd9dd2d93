"""What arms gain by all epochs of a plan, window by window: after the first, after the last, and how that changes."""

from __future__ import annotations

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.windows import by_window
from harness.metrics.catalog import measured
from harness.report.format import baseline_name, digits_for
from harness.report.tables.grids import Cell, Column, Grid, cell


def windows(analysis: GroupAnalysis) -> Grid:
    """A line for each arm, in the order of the ranking; none where the plan is not continual."""
    group, digits = analysis.group, digits_for(analysis.ranked)
    unit, found = f"{group.split} {measured(group.task, group.metric)}", by_window(analysis)
    base, last = baseline_name(group), max((max(each.values) for each in found), default=0)
    columns = (
        Column("strategy", words=True),
        Column(f"gain over {base} after window 1", unit),
        Column(f"after window {last}", unit),
        Column("change of the gain per window", unit),
    )
    at = {id(each.arm): each for each in found}
    ranked = [at[id(row.arm)] for row in analysis.ranked if id(row.arm) in at and not row.arm.is_baseline]
    lines = [
        (Cell(each.arm.label), *(cell(value, digits, 1, 0) for value in (each.first, each.last, each.trend)))
        for each in ranked
    ]
    return Grid(columns, tuple(lines))
