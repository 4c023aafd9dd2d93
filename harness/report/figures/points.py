"""Figures of points: gain by training frequency of the rarest id, calibration by epoch, and gain against cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate, estimate
from harness.analysis.load import ArmRuns, Group
from harness.figures.svg import INK, canvas, ink, to_svg
from harness.metrics.catalog import BUCKETS, measured
from harness.report.figures.arm_styles import ArmStyle
from harness.results.keys import MetricKey

Cost = Callable[[ArmRuns, GroupAnalysis], float | None]


def buckets(analysis: GroupAnalysis, styles: Sequence[ArmStyle], *, last: bool) -> str:
    """Gain over the one-epoch baseline by training frequency of the rarest id of an example, with intervals."""
    group = analysis.group
    figure, axes = canvas()
    shares = _shares(group)
    shown = [name for name, _ in BUCKETS if name in shares]
    axes.axhline(0, color=INK, lw=0.8, ls=(0, (1, 2)))
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        found = analysis.bucket_gains(arm, last=last)
        _dots(axes, i, [(shown.index(b) + _beside(i, group), e) for b, e in found.items() if b in shown], style)
    axes.set_xticks(range(len(shown)), [f"{name}\n{shares[name]:.0%}" for name in shown])
    axes.tick_params(axis="x", length=0)
    what = measured(group.task, group.metric)
    axes.set(xlabel="training count of the rarest id; share of examples", ylabel=f"gain in valid {what}")
    return to_svg(figure, f"{group.name}: gain in {what} by frequency at the {'last' if last else 'chosen'} epoch")


def calibration(group: Group, styles: Sequence[ArmStyle]) -> str:
    """Calibration on the validation split after each epoch, with intervals; the frame is that of what stands out."""
    figure, axes = canvas()
    axes.axhline(1, color=INK, lw=0.8, ls=(0, (1, 2)))
    name, reached = MetricKey("valid", "calibration", group.task), [1.0]
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        values: dict[int, list[float]] = {}
        for end in (end for run in arm.finished.values() for end in run.boundaries if name in end.metrics):
            values.setdefault(end.epoch, []).append(end.metrics[name])
        points = [(epoch + _beside(i, group), e) for epoch, v in values.items() if (e := estimate(v)) is not None]
        _dots(axes, i, points, style)
        if style.highlighted:
            reached += [v for _, e in points for v in (e.low, e.mean, e.high) if v is not None]
    room = 0.05 * max(max(reached) - min(reached), 0.01)
    axes.set_ylim(min(reached) - room, max(reached) + room)
    axes.set_xticks(range(1, group.epochs + 1))
    axes.tick_params(axis="x", length=0)
    axes.set(xlabel="after epoch", ylabel=f"valid {measured(group.task, 'calibration')}")
    return to_svg(figure, f"{group.name}: {measured(group.task, 'calibration')} by epoch")


def gain_against_cost(analysis: GroupAnalysis, styles: Sequence[ArmStyle], cost: Cost, label: str) -> str:
    """Gain over the one-epoch baseline against what it took; a ring is the baseline. label: of the cost."""
    group = analysis.group
    figure, axes = canvas()
    gains = {id(row.arm): row.value("gain") for row in analysis.ranked}
    axes.axhline(0, color=INK, lw=0.8, ls=(0, (1, 2)))
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        gain, price = gains[id(arm)], cost(arm, analysis)
        if gain is not None and price is not None:
            _dots(axes, i, [(price, gain)], style)
    once = None if group.baseline is None else cost(group.baseline, analysis)
    if once is not None:
        axes.plot([once], [0], color=INK, ls="", marker="o", ms=10, mfc="none", zorder=4)
    axes.set_xlim(left=0)
    what = measured(group.task, group.metric)
    axes.set(xlabel=label, ylabel=f"gain in {group.split} {what}")
    return to_svg(figure, f"{group.name}: gain in {what} against {label}")


def _beside(index: int, group: Group) -> float:
    """How far from a tick an arm is drawn, so that intervals do not cover each other."""
    return (index - (len(group.arms) - 1) / 2) * 0.7 / max(len(group.arms), 1)


def _dots(axes: Axes, index: int, points: list[tuple[float, Estimate]], style: ArmStyle) -> None:
    color = ink(style.pen)
    spans = [(x, e.low, e.high) for x, e in points if e.low is not None and e.high is not None]
    if spans:
        x_values, low, high = zip(*spans, strict=True)
        axes.vlines(x_values, low, high, color=color, lw=1.2, alpha=0.6, gid=f"arm-{index}-span")
    axes.plot(
        [x for x, _ in points],
        [e.mean for _, e in points],
        color=color,
        ls="",
        marker=style.pen.marker,
        ms=5,
        gid=f"arm-{index}-dots",
        zorder=style.rank,
    )


def _shares(group: Group) -> dict[str, float]:
    """Bucket -> share of the validation examples."""
    for arm in group.everything:
        for run in arm.finished.values():
            metrics = run.boundaries[0].metrics
            return {b: metrics[key] for b, _ in BUCKETS if (key := MetricKey("valid", "share", "rows", b)) in metrics}
    return {}
