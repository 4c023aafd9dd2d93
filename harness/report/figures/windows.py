"""Figures of a continual plan: a metric after each window, and gains over the one-epoch baseline there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate, estimate
from harness.analysis.windows import ArmWindows, ByWindow, by_window
from harness.figures.axis import around, axis
from harness.figures.chart import Chart, Named
from harness.figures.rules import level
from harness.figures.svg import standalone, to_svg
from harness.metrics.catalog import measured
from harness.report.figures import arm_marks
from harness.report.figures.arm_marks import ArmPoints
from harness.report.figures.arm_styles import ArmStyle

MOST_TICKS = 8


def windows(analysis: GroupAnalysis, styles: Sequence[ArmStyle]) -> list[str]:
    """The metric by window, and the gain at the chosen and at the last epoch; none where the plan is not continual."""
    chosen, trained_on = by_window(analysis, last=False), by_window(analysis, last=True)
    if not chosen:
        return []
    levels = _chart(analysis, styles, {id(each.arm): each.values for each in trained_on}, "")
    drawn = {"": levels, "gain in ": _gains(analysis, styles, chosen)}
    drawn[f"gain of epoch {analysis.group.epochs} in "] = _gains(analysis, styles, trained_on)
    return [to_svg(chart, _title(analysis, what)) for what, chart in drawn.items()]


def published(analysis: GroupAnalysis, styles: Sequence[ArmStyle]) -> str:
    """The gains at the chosen epoch as a file of its own, with a legend."""
    named = [Named(style.label, style.pen) for style in styles]
    chart = replace(_gains(analysis, styles, by_window(analysis, last=False)), legend=named)
    return standalone(to_svg(chart, _title(analysis, "gain in ")))


def _title(analysis: GroupAnalysis, what: str) -> str:
    group = analysis.group
    return f"{group.name}: {what}{measured(group.task, group.metric)} by window"


def _gains(analysis: GroupAnalysis, styles: Sequence[ArmStyle], found: Sequence[ArmWindows]) -> Chart:
    chart = _chart(analysis, styles, {id(each.arm): each.gains for each in found}, "gain in ")
    return replace(chart, marks=[level(chart.x, 0.0), *chart.marks])


def _chart(analysis: GroupAnalysis, styles: Sequence[ArmStyle], values: dict[int, ByWindow], what: str) -> Chart:
    group, arms = analysis.group, []
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        arms.append(ArmPoints(i, style, _points(values.get(id(arm), {}))))
    last = max((w for by_seed in values.values() for w in by_seed), default=1)
    x = axis("trained up to window", 0.8, last + 0.2, MOST_TICKS)
    y = around(f"{what}{group.split} {measured(group.task, group.metric)}", _frame(arms), MOST_TICKS)
    return Chart(x, y, arm_marks.curves(arms, fade=False))


def _frame(arms: Sequence[ArmPoints]) -> list[float]:
    """Values that the frame holds: every mean, and intervals as far as they leave the means readable."""
    means = [mean for arm in arms if arm.style.highlighted for _, mean in arm.means] or [0.0]
    room = (max(means) - min(means)) / 2
    reached = [value for arm in arms if arm.style.highlighted for value in arm.reached]
    return [min(max(value, min(means) - room), max(means) + room) for value in reached]


def _points(values: ByWindow) -> list[tuple[float, Estimate]]:
    return [(window, found) for window, by_seed in values.items() if (found := estimate(by_seed.values())) is not None]
