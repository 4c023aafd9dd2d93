"""Curves: a metric by epoch, of every arm of a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.analysis.estimates import Estimate, estimate
from harness.analysis.load import ArmRuns, Group
from harness.figures.svg import FADED, INK, canvas, ink, standalone, to_svg
from harness.metrics.catalog import measured, sign_of
from harness.report.figures.arm_styles import ArmStyle
from harness.results.keys import MetricKey

WHOLE = ("gauc",)
"""Metrics of whole groups, which a sample does not hold."""
SPLITS = {"sample": "valid sample", "valid": "valid"}


def published(group: Group, styles: Sequence[ArmStyle]) -> str:
    """The curves of the plan's task and metric as a file of its own, with a legend of the arms that stand out."""
    figure = _curves(group, group.task, group.metric, styles, fade=True)
    lit = sum(style.highlighted for style in styles)
    if lit < len(styles):
        figure.axes[0].plot([], [], color=FADED, lw=1, label=f"{len(styles) - lit} others")
    named = min(lit + 1, len(styles))
    figure.set_size_inches(figure.get_figwidth(), figure.get_figheight() + 0.2 * math.ceil(named / 2))
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5, labelcolor=INK)
    return standalone(to_svg(figure, _title(group, task=group.task, metric=group.metric)))


def curves(group: Group, task: str, metric: str, styles: Sequence[ArmStyle]) -> str:
    """A metric of the fixed validation sample against epochs trained, with the interval over seeds as a band."""
    return to_svg(_curves(group, task, metric, styles), _title(group, task, metric))


def _title(group: Group, task: str, metric: str) -> str:
    return f"{group.name}: {measured(task, metric)} by epoch"


def _curves(group: Group, task: str, metric: str, styles: Sequence[ArmStyle], *, fade: bool = False) -> Figure:
    """fade: arms that do not stand out are drawn grey for good; else the page greys them."""
    figure, axes = canvas()
    split, lit = ("valid" if metric in WHOLE else "sample"), []
    key = MetricKey(split, metric, task)
    for i, (arm, style) in enumerate(zip(group.arms, styles, strict=True)):
        points = _points(arm, key)
        if points and fade and not style.highlighted:
            axes.plot([p for p, _ in points], [e.mean for _, e in points], color=FADED, lw=0.8, zorder=style.rank)
        elif points:
            _curve(axes, i, points, style)
        if points and style.highlighted:
            lit.append(points)
    _epochs(axes, group.epochs)
    level = _baseline(group, key)
    if level is not None:
        axes.axhline(level, color=INK, lw=0.8, ls=(0, (1, 2)), zorder=1)
    bottom, top = _limits(lit, level, sign_of(metric))
    oracle = _oracle(group, task) if metric == "auc" else None
    axes.set_ylim(bottom, _with_oracle(axes, oracle, bottom, top))
    axes.set(xlabel="epochs trained", ylabel=f"{SPLITS[split]} {measured(task, metric)}")
    return figure


Points = list[tuple[float, Estimate]]


def _points(arm: ArmRuns, key: MetricKey) -> Points:
    """Position -> estimate over the finished seeds."""
    values: dict[float, list[float]] = {}
    for run in arm.finished.values():
        for record in run.records:
            if key in record.metrics:
                values.setdefault(record.position, []).append(record.metrics[key])
    return [(position, e) for position in sorted(values) if (e := estimate(values[position])) is not None]


def _curve(axes: Axes, index: int, points: Points, style: ArmStyle) -> None:
    x, mean, color = [p for p, _ in points], [e.mean for _, e in points], ink(style.pen)
    ends = [i for i, position in enumerate(x) if position == round(position)]
    axes.plot(
        x,
        mean,
        color=color,
        ls=style.pen.line,
        lw=1.6,
        marker=style.pen.marker,
        markevery=ends,
        ms=4.5,
        gid=f"arm-{index}-line",
        label=style.label,
        zorder=style.rank,
    )
    if all(e.low is not None for _, e in points):
        low = [e.low for _, e in points if e.low is not None]
        high = [e.high for _, e in points if e.high is not None]
        axes.fill_between(x, low, high, color=color, alpha=0.13, lw=0, gid=f"arm-{index}-band", zorder=1.5)


def _epochs(axes: Axes, epochs: int) -> None:
    """Shade the first epoch and rule the boundaries."""
    axes.axvspan(0, 1, color=INK, alpha=0.05, lw=0, zorder=0)
    place: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "ha": "right", "va": "top"}
    axes.text(0.96, 0.985, "epoch 1", fontsize=9, alpha=0.7, color=INK, **place)
    for boundary in range(1, epochs):
        axes.axvline(boundary, color=INK, lw=0.6, alpha=0.35, zorder=0)
    axes.set_xlim(0, max(epochs, 1) * 1.01)
    axes.set_xticks(range(max(epochs, 1) + 1))


def _limits(curves: Sequence[Points], level: float | None, sign: int) -> tuple[float, float]:
    """A frame that holds every end of epoch; the start of epoch 1 and brief dips may leave it on the bad side.

    sign: 1 or -1 as more or less is better.
    """
    later = [e.mean for points in curves for position, e in points if position > 1]
    ends = [e.mean for points in curves for position, e in points if position == round(position)]
    kept = [*ends, *([] if level is None else [level])]
    if not kept:
        return 0.0, 1.0
    if later:
        kept += [max(later) if sign > 0 else float(np.quantile(later, 0.92))]
        kept += [min(later) if sign < 0 else float(np.quantile(later, 0.08))]
    room = max(max(kept) - min(kept), 1e-4) * 0.1
    return min(kept) - room, max(kept) + room


def _with_oracle(axes: Axes, oracle: float | None, bottom: float, top: float) -> float:
    """Draw the best reachable AUC if it is near, else name it above the frame; returns the top of the frame."""
    if oracle is None:
        return top
    near = oracle < top + 0.3 * (top - bottom)
    if near:
        axes.axhline(oracle, color=INK, lw=0.8, ls=(0, (5, 2)), alpha=0.7)
        top = max(top, oracle + 0.08 * (oracle - bottom))
    text = f"oracle {oracle:.4f}" + ("" if near else ", above the frame")
    axes.text(1, 1.01, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=9, alpha=0.8, color=INK)
    return top


def _oracle(group: Group, task: str) -> float | None:
    """The AUC of the generating probability on the sample, from any evaluation that reached a share of it."""
    for arm in group.everything:
        for run in arm.finished.values():
            for record in run.records:
                auc, share = (record.metrics.get(MetricKey("sample", m, task)) for m in ("auc", "oracle_share"))
                if auc is not None and share is not None and abs(share) > 0.01:
                    return 0.5 + (auc - 0.5) / share
    return None


def _baseline(group: Group, key: MetricKey) -> float | None:
    runs = group.baseline.finished.values() if group.baseline else ()
    values = [run.boundaries[0].metrics.get(key, math.nan) for run in runs]
    return float(np.mean(values)) if values and not any(map(math.isnan, values)) else None
