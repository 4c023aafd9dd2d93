"""Figures of points: gain by training frequency of the rarest id, calibration by epoch, and gain against cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.groups import ArmRuns, Group
from harness.figures.axis import Axis, Ticks, around, axis
from harness.figures.chart import Chart
from harness.figures.marks import Dots, Mark
from harness.figures.rules import level
from harness.figures.style import INK, RING
from harness.figures.svg import to_svg
from harness.metrics.catalog import BUCKETS, measured
from harness.report.figures.arm_marks import ArmPoints, dots
from harness.report.figures.arm_styles import ArmStyle
from harness.results.keys import MetricKey

MOST_TICKS = 8
Cost = Callable[[ArmRuns, GroupAnalysis], float | None]


def buckets(analysis: GroupAnalysis, styles: Sequence[ArmStyle], *, last: bool) -> str:
    """Gain over the one-epoch baseline by training frequency of the rarest id of an example, with intervals."""
    group, what = analysis.group, measured(analysis.group.task, analysis.group.metric)
    shares = _shares(group)
    shown = [name for name, _ in BUCKETS if name in shares]
    arms = []
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        found = analysis.bucket_gains(arm, last=last)
        points = [(shown.index(b) + _beside(i, group), e) for b, e in found.items() if b in shown]
        arms.append(ArmPoints(i, style, points))
    ticks = [(i, f"{name}\n{shares[name]:.0%}") for i, name in enumerate(shown)]
    x = _places("training count of the rarest id; share of examples", ticks)
    y = around(f"gain in valid {what}", [0.0, *(v for arm in arms for v in arm.reached)], MOST_TICKS)
    title = f"{group.name}: gain in {what} by frequency at the {'last' if last else 'chosen'} epoch"
    return to_svg(Chart(x, y, [level(x, 0.0), *dots(arms)]), title)


def calibration(group: Group, styles: Sequence[ArmStyle]) -> str:
    """Calibration on the validation split after each epoch, with intervals; the frame is that of what stands out."""
    name, what, arms = MetricKey("valid", "calibration", group.task), measured(group.task, "calibration"), []
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        values: dict[int, list[float]] = {}
        for end in (end for run in arm.finished.values() for end in run.boundaries if name in end.metrics):
            values.setdefault(end.epoch, []).append(end.metrics[name])
        found = ((epoch + _beside(i, group), group.estimate(v, arm)) for epoch, v in values.items())
        points = [(x, e) for x, e in found if e is not None]
        arms.append(ArmPoints(i, style, points))
    reached = [1.0, *(v for arm in arms if arm.style.highlighted for v in arm.reached)]
    room = 0.05 * max(max(reached) - min(reached), 0.01)
    x = _places("after epoch", [(epoch, str(epoch)) for epoch in range(1, group.epochs + 1)])
    y = axis(f"valid {what}", min(reached) - room, max(reached) + room, MOST_TICKS)
    return to_svg(Chart(x, y, [level(x, 1.0), *dots(arms)]), f"{group.name}: {what} by epoch")


def gain_against_cost(analysis: GroupAnalysis, styles: Sequence[ArmStyle], cost: Cost, label: str) -> str:
    """Gain over the one-epoch baseline against what it took; a ring is the baseline. label: of the cost."""
    group, what = analysis.group, measured(analysis.group.task, analysis.group.metric)
    gains = {id(row.arm): row.value("gain") for row in analysis.ranked}
    arms = []
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        gain, price = gains[id(arm)], cost(arm, analysis)
        if gain is not None and price is not None:
            arms.append(ArmPoints(i, style, [(price, gain)]))
    once = None if group.baseline is None else cost(group.baseline, analysis)
    ring: list[Mark] = [] if once is None else [Dots([(once, 0.0)], RING, INK, hollow=True)]
    prices = [price for arm in arms for price, _ in arm.points]
    x = around(label, prices if once is None else [*prices, once], MOST_TICKS + 1, low=0.0)
    y = around(f"gain in {group.split} {what}", [0.0, *(v for arm in arms for v in arm.reached)], MOST_TICKS)
    return to_svg(Chart(x, y, [level(x, 0.0), *dots(arms), *ring]), f"{group.name}: gain in {what} against {label}")


def _places(label: str, ticks: Ticks) -> Axis:
    """An axis of places that are one apart."""
    first, last = (ticks[0][0], ticks[-1][0]) if ticks else (0.0, 0.0)
    return Axis(label, first - 0.5, last + 0.5, ticks, ticked=False)


def _beside(index: int, group: Group) -> float:
    """How far from a tick an arm is drawn, so that intervals do not cover each other."""
    return (index - (len(group.arms) - 1) / 2) * 0.7 / max(len(group.arms), 1)


def _shares(group: Group) -> dict[str, float]:
    """Bucket -> share of the validation examples."""
    for arm in group.everything:
        for run in arm.finished.values():
            metrics = run.boundaries[0].metrics
            return {b: metrics[key] for b, _ in BUCKETS if (key := MetricKey("valid", "share", "rows", b)) in metrics}
    return {}
