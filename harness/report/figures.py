"""The figures: a metric by epoch, and gains by how often the rarest id of an example was seen in training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from harness.metrics import BUCKETS
from harness.report.drawing import INK, Style, canvas, standalone, styles, to_svg
from harness.report.estimates import Estimate, estimate
from harness.report.load import ArmRuns, Group
from harness.report.stats import bucket_gains
from harness.report.text import measured
from harness.select import METRICS


def published(group: Group) -> str:
    """The curves of the plan's task and metric as a file of its own, with a legend."""
    return standalone(curves(group, group.task, group.metric, legend=True))


def curves(group: Group, task: str, metric: str, *, legend: bool = False) -> str:
    """A metric of the fixed validation sample against epochs trained, with the interval over seeds as a band."""
    figure, axes = canvas()
    drawn = []
    for i, (arm, style) in enumerate(zip(group.arms, styles(group), strict=True)):
        points = _points(arm, f"sample/{metric}/{task}")
        if points:
            _curve(axes, i, points, style, arm.label)
            drawn.append(points)
    _epochs(axes, group.epochs)
    level = _baseline(group, f"sample/{metric}/{task}")
    if level is not None:
        axes.axhline(level, color=INK, lw=0.8, ls=(0, (1, 2)), zorder=1)
    bottom, top = _limits(drawn, level, METRICS[metric])
    oracle = _oracle(group, task) if metric == "auc" else None
    axes.set_ylim(bottom, _with_oracle(axes, oracle, bottom, top))
    axes.set(xlabel="epochs trained", ylabel=f"valid sample {measured(task, metric)}")
    if legend:
        figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    return to_svg(figure, f"{group.name}: {measured(task, metric)} by epoch")


def buckets(group: Group, task: str, metric: str, *, last: bool) -> str:
    """Gain over the one-epoch baseline by training frequency of the rarest id of an example, with intervals."""
    figure, axes = canvas()
    shares = _shares(group)
    shown = [name for name, _ in BUCKETS if name in shares]
    axes.axhline(0, color=INK, lw=0.8, ls=(0, (1, 2)))
    for i, (arm, style) in enumerate(zip(group.arms, styles(group), strict=True)):
        offset = (i - (len(group.arms) - 1) / 2) * 0.7 / max(len(group.arms), 1)
        found = bucket_gains(group, arm, task, metric, last=last)
        _dots(axes, i, [(shown.index(b) + offset, e) for b, e in found.items() if b in shown], style)
    axes.set_xticks(range(len(shown)), [f"{name}\n{shares[name]:.0%}" for name in shown])
    axes.tick_params(axis="x", length=0)
    axes.set(
        xlabel="training count of the rarest id; share of examples",
        ylabel=f"gain in valid {measured(task, metric)}",
    )
    when = "the last epoch" if last else "the chosen epoch"
    return to_svg(figure, f"{group.name}: gain in {measured(task, metric)} by frequency at {when}")


Points = list[tuple[float, Estimate]]


def _points(arm: ArmRuns, key: str) -> Points:
    """Position -> estimate over the finished seeds."""
    values: dict[float, list[float]] = {}
    for run in arm.finished.values():
        for record in run.records:
            if key in record.metrics:
                values.setdefault(record.position, []).append(record.metrics[key])
    return [(position, e) for position in sorted(values) if (e := estimate(values[position])) is not None]


def _curve(axes: Axes, index: int, points: Points, style: Style, label: str) -> None:
    x, mean = [p for p, _ in points], [e.mean for _, e in points]
    color = INK if style.color == "currentColor" else style.color
    ends = [i for i, position in enumerate(x) if position == round(position)]
    axes.plot(
        x,
        mean,
        color=color,
        ls=style.line,
        lw=1.6,
        marker=style.marker,
        markevery=ends,
        ms=4.5,
        gid=f"arm-{index}-line",
        label=label,
        zorder=3,
    )
    if all(e.low is not None for _, e in points):
        low = [e.low for _, e in points if e.low is not None]
        high = [e.high for _, e in points if e.high is not None]
        axes.fill_between(x, low, high, color=color, alpha=0.13, lw=0, gid=f"arm-{index}-band", zorder=2)


def _dots(axes: Axes, index: int, points: list[tuple[float, Estimate]], style: Style) -> None:
    color = INK if style.color == "currentColor" else style.color
    for x, value in points:
        if value.low is not None and value.high is not None:
            axes.plot([x, x], [value.low, value.high], color=color, lw=1.2, alpha=0.6, gid=f"arm-{index}-span")
    x_values, means = [x for x, _ in points], [e.mean for _, e in points]
    axes.plot(x_values, means, color=color, ls="", marker=style.marker, ms=5, gid=f"arm-{index}-dots")


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
    """A frame that holds every end of epoch; the start of epoch 1 and brief dips may leave it on the bad side."""
    later = [e.mean for points in curves for position, e in points if position > 1]
    ends = [e.mean for points in curves for position, e in points if position == round(position)]
    kept = [*ends, *([] if level is None else [level])]
    if not kept:
        return 0.0, 1.0
    if later:
        kept += [float(np.quantile(later, 0.08 if sign > 0 else 0.92)), max(later) if sign > 0 else min(later)]
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
                auc, share = (record.metrics.get(f"sample/{m}/{task}") for m in ("auc", "oracle_share"))
                if auc is not None and share is not None and abs(share) > 0.01:
                    return 0.5 + (auc - 0.5) / share
    return None


def _baseline(group: Group, key: str) -> float | None:
    runs = group.baseline.finished.values() if group.baseline else ()
    values = [run.boundaries[0].metrics.get(key, math.nan) for run in runs]
    return float(np.mean(values)) if values and not any(map(math.isnan, values)) else None


def _shares(group: Group) -> dict[str, float]:
    """Bucket -> share of the validation examples."""
    for arm in group.everything:
        for run in arm.finished.values():
            metrics = run.boundaries[0].metrics
            return {b: metrics[key] for b, _ in BUCKETS if (key := f"valid@{b}/share/rows") in metrics}
    return {}
