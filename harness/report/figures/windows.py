"""Gains over the one-epoch baseline by window, of a continual plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate
from harness.analysis.windows import ArmWindows, by_window
from harness.figures.axis import around, axis
from harness.figures.chart import Chart, Named
from harness.figures.rules import level
from harness.figures.svg import standalone, to_svg
from harness.metrics.catalog import measured
from harness.report.figures import arm_marks
from harness.report.figures.arm_marks import ArmPoints
from harness.report.figures.arm_styles import ArmStyle

MOST_TICKS = 8


def gains(analysis: GroupAnalysis, styles: Sequence[ArmStyle], *, last: bool) -> str:
    """By window, at the chosen or at the last epoch."""
    return to_svg(_chart(analysis, styles, last=last), _title(analysis, last=last))


def published(analysis: GroupAnalysis, styles: Sequence[ArmStyle]) -> str:
    """Those at the chosen epoch as a file of its own, with a legend."""
    named = [Named(style.label, style.pen) for style in styles]
    chart = replace(_chart(analysis, styles, last=False), legend=named)
    return standalone(to_svg(chart, _title(analysis, last=False)))


def _title(analysis: GroupAnalysis, *, last: bool) -> str:
    group, when = analysis.group, "last" if last else "chosen"
    return f"{group.name}: gain in {measured(group.task, group.metric)} by window at the {when} epoch"


def _chart(analysis: GroupAnalysis, styles: Sequence[ArmStyle], *, last: bool) -> Chart:
    group, arms = analysis.group, []
    found = {id(each.arm): each for each in by_window(analysis, last=last)}
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        arms.append(ArmPoints(i, style, _points(found.get(id(arm)))))
    end = max((window for each in found.values() for window in each.gains), default=1)
    x = axis("trained up to window", 0.8, end + 0.2, MOST_TICKS)
    y = around(f"gain in {group.split} {measured(group.task, group.metric)}", [0.0, *_frame(arms)], MOST_TICKS)
    return Chart(x, y, [level(x, 0.0), *arm_marks.curves(arms, fade=False)])


def _frame(arms: Sequence[ArmPoints]) -> list[float]:
    """Values that the frame holds: every mean, and intervals as far as they leave the means readable."""
    means = [mean for arm in arms if arm.style.highlighted for _, mean in arm.means] or [0.0]
    room = (max(means) - min(means)) / 2
    reached = [value for arm in arms if arm.style.highlighted for value in arm.reached]
    return [min(max(value, min(means) - room), max(means) + room) for value in reached]


def _points(arm: ArmWindows | None) -> list[tuple[float, Estimate]]:
    return [] if arm is None else [(w, found) for w in arm.gains if (found := arm.at(w)) is not None]
