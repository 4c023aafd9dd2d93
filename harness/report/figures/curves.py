"""Curves: a metric by epoch, of every arm of a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from harness.analysis.estimates import Estimate
from harness.analysis.groups import ArmRuns, Group
from harness.base.words import counted
from harness.figures import rules
from harness.figures.axis import axis
from harness.figures.chart import Chart, Named, Note
from harness.figures.style import FADED, Pen
from harness.figures.svg import standalone, to_svg
from harness.metrics.catalog import measured, sign_of
from harness.metrics.curves import by_place
from harness.report.figures import arm_marks
from harness.report.figures.arm_marks import ArmPoints
from harness.report.figures.arm_styles import ArmStyle
from harness.results.keys import MetricKey
from harness.results.records import Run

WHOLE = ("gauc",)
"""Metrics of whole groups, which a sample does not hold."""
SPLITS = {"sample": "valid sample", "valid": "valid"}


def published(group: Group, styles: Sequence[ArmStyle]) -> str:
    """The curves of the plan's task and metric as a file of its own."""
    return standalone(at_a_glance(group, styles))


def at_a_glance(group: Group, styles: Sequence[ArmStyle]) -> str:
    """The curves of the plan's task and metric, with a legend of the arms that stand out; the others are grey."""
    task, metric = group.task, group.metric
    return to_svg(with_legend(group, task, metric, styles), _title(group, task, metric))


def with_legend(group: Group, task: str, metric: str, styles: Sequence[ArmStyle]) -> Chart:
    """The same of any task and metric, before it is written."""
    drawn = [style for arm, style in zip(group.arms, styles, strict=True) if arm.finished]
    named = [Named(style.label, style.pen) for style in drawn if style.highlighted]
    if len(named) < len(drawn):
        named.append(Named(counted(len(drawn) - len(named), "other"), Pen(FADED, "", ""), width=0.8))
    return replace(_curves(group, task, metric, styles, fade=True), legend=named)


def curves(group: Group, task: str, metric: str, styles: Sequence[ArmStyle]) -> str:
    """A metric of the fixed validation sample against epochs trained, with the interval over seeds as a band."""
    return to_svg(_curves(group, task, metric, styles), _title(group, task, metric))


def _title(group: Group, task: str, metric: str) -> str:
    return f"{group.name}: {measured(task, metric)} by epoch"


def _curves(group: Group, task: str, metric: str, styles: Sequence[ArmStyle], *, fade: bool = False) -> Chart:
    """fade: arms that do not stand out are drawn grey for good; else the page greys them."""
    key = drawn_key(task, metric)
    arms = [ArmPoints(i, s, points_of(group, a, key)) for i, (a, s) in enumerate(zip(group.arms, styles, strict=True))]
    level, oracle = _baseline(group, key), _oracle(group, task) if metric == "auc" else None
    bottom, top = _limits([arm.points for arm in arms if arm.style.highlighted], level, sign_of(metric))
    near = oracle is not None and oracle < top + 0.3 * (top - bottom)
    if oracle is not None and near:
        top = max(top, oracle + 0.08 * (oracle - bottom))
    last = max(group.epochs, 1)
    x = rules.epochs_axis(last)
    y = axis(f"{SPLITS[key.split]} {measured(task, metric)}", bottom, top, most=8)
    under = [*rules.epochs(last, y), *([] if level is None else [rules.level(x, level)])]
    over = [rules.level(x, oracle, "5 2", alpha=0.7)] if oracle is not None and near else []
    notes = [Note((0.96, top), "epoch 1", rise=-9, anchor="end")]
    if oracle is not None:
        words = f"oracle {oracle:.4f}" + ("" if near else ", above the frame")
        notes.append(Note((x.high, top), words, rise=3, anchor="end"))
    return Chart(x, y, [*under, *arm_marks.curves(arms, fade=fade), *over], notes)


Points = list[tuple[float, Estimate]]


def drawn_key(task: str, metric: str) -> MetricKey:
    """What is read at every evaluation, if the metric can be."""
    return MetricKey("valid" if metric in WHOLE else "sample", metric, task)


def points_of(group: Group, arm: ArmRuns, key: MetricKey) -> Points:
    """Position -> estimate over the finished seeds, drawn where these are on average."""
    read = by_place(list(arm.finished.values()), key)
    found = (([r.position for r in each], [r.metrics[key] for r in each]) for each in read)
    points = [(_mean(positions), group.estimate(values, arm)) for positions, values in found]
    return sorted(((position, e) for position, e in points if e is not None), key=lambda point: point[0])


def _mean(positions: Sequence[float]) -> float:
    return positions[0] if len(set(positions)) == 1 else fmean(positions)


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


def _oracle(group: Group, task: str) -> float | None:
    """The AUC of the generating probability on the sample; as curves are, the mean over the seeds of an arm, each of
    which may have data of its own."""
    for arm in group.everything:
        found = [auc for run in arm.finished.values() if (auc := _oracle_of(run, task)) is not None]
        if found:
            return float(np.mean(found))
    return None


def _oracle_of(run: Run, task: str) -> float | None:
    """From any evaluation that reached a share of it."""
    for record in run.records:
        auc, share = (record.metrics.get(MetricKey("sample", m, task)) for m in ("auc", "oracle_share"))
        if auc is not None and share is not None and abs(share) > 0.01:
            return float(0.5 + (auc - 0.5) / share)
    return None


def _baseline(group: Group, key: MetricKey) -> float | None:
    runs = group.baseline.finished.values() if group.baseline else ()
    values = [run.boundaries[0].metrics.get(key, math.nan) for run in runs]
    return float(np.mean(values)) if values and not any(map(math.isnan, values)) else None
