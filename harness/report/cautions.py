"""Where a comparison would mislead who reads its table alone, each in a sentence with its figure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from statistics import fmean

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison, family
from harness.analysis.groups import FEW_STEPS, seeds, spoken
from harness.analysis.winners import winner
from harness.base.words import counted
from harness.metrics.catalog import measured, sign_of
from harness.report.format import digits_for, named, number, settings, show
from harness.results.keys import MetricKey

STILL_RISING = 0.1
"""Share of what an epoch gained that its last part gained: above it the epoch had not converged."""
NEAR = 0.02
"""A learning rate is at the edge of its range within this share of it, on the scale of logarithms."""


def cautions(analysis: GroupAnalysis) -> list[str]:
    """Every caution of a group, in the order of weight."""
    arms = tested(analysis)
    return [
        *(f"Data, {finding}" for finding in analysis.group.findings),
        *_of_draws(analysis),
        *_of_precision(analysis),
        *_of_loss(analysis),
        *_of_order(analysis, arms),
        *_of_splits(analysis, arms),
        *_of_first_epoch(analysis),
        *_of_search(analysis),
        *_of_nothing(analysis),
    ]


def compared(analysis: GroupAnalysis) -> list[ArmComparison]:
    """Arms, in order of rank, that have a gain."""
    return [row for row in analysis.ranked if not row.arm.is_baseline and row.value("gain") is not None]


def tested(analysis: GroupAnalysis) -> list[ArmComparison]:
    """Those whose gain has an interval."""
    return [row for row in compared(analysis) if (gain := row.value("gain")) and gain.low is not None]


def _of_draws(analysis: GroupAnalysis) -> Iterator[str]:
    """Seeds that are repetitions on other data, and what that makes of intervals."""
    draws = analysis.group.draws
    if analysis.group.data_seeds > 1:
        yield (
            f"The seeds of each arm were trained and tested on {draws} draws of generated data: gains are means over "
            "draws, and intervals hold what other training and test rows change."
        )
    elif draws > 1:
        yield (
            f"The seeds of each arm were trained and tested on {draws} data sets, such as time origins: intervals hold "
            "what differs between these too, and are too narrow as far as training rows are the same in several."
        )


def _of_precision(analysis: GroupAnalysis) -> Iterator[str]:
    """Rounding that the question itself may hang on."""
    if (precision := analysis.plan.train.precision) != "fp32":
        yield (
            f"The nets were trained with products in {precision}, which can raise the logloss of later epochs: numbers "
            "do not compare with those of fp32."
        )


def _of_loss(analysis: GroupAnalysis) -> Iterator[str]:
    """A loss whose logits are not those of probabilities."""
    if analysis.plan.train.loss != "logloss":
        yield (
            f"The nets were trained by {analysis.plan.train.loss}, which leaves logits unknown but for a constant: AUC "
            "can be read; logloss, the boundary jump, Brier score and calibration say nothing."
        )


def _of_order(analysis: GroupAnalysis, arms: list[ArmComparison]) -> Iterator[str]:
    """What the order of the table does not mean."""
    if not arms:
        return
    gains = {row.arm.label: gain for row in arms if (gain := row.value("gain"))}
    lead = arms[0].arm.label
    if compared(analysis)[0] is arms[0] and gains[lead].mean > 0 and gains[lead].sign == 0:
        yield f"Ranked first is {spoken(lead)}, but the interval of its gain includes zero."
    open_ = [spoken(name) for name, gain in gains.items() if gain.sign == 0 and not gain.identical]
    if len(open_) > 1:
        yield f"Too close to the reference to tell which is better, so their order says nothing: {named(open_)}."
    failed = [f"{a.label} ({len(a.failed)} of {seeds(len(a.runs))})" for a in analysis.group.everything if a.failed]
    if failed:
        yield f"Of arms with failed seeds nothing is claimed, as what is left is not chance: {named(failed)}."
    lost = [spoken(r.arm.label) for r in arms if gains[r.arm.label].sign and not r.shown("gain") and not r.lost("gain")]
    if lost:
        corrected = family(arms, "gain")
        yield f"Intervals that exclude zero, but not once corrected for {corrected} arms compared: {named(lost)}."


def _of_splits(analysis: GroupAnalysis, arms: list[ArmComparison]) -> Iterator[str]:
    """Arms that gain on the split that chose their epoch, and not on the one that is reported."""
    group = analysis.group
    if group.split == "valid" or group.baseline is None:
        return
    key = MetricKey("valid", group.metric, group.task)
    for row in arms:
        valid, gain = analysis.gain_at(row.arm, key), row.value("gain")
        if valid is not None and gain is not None and valid.sign > 0 and gain.mean <= 0:
            digits = digits_for(analysis.ranked)
            yield (
                f"Valid and test disagree on {row.arm.label}: {show(valid, digits, signed=True)} on valid, "
                f"{show(gain, digits, signed=True)} on test."
            )


def _of_first_epoch(analysis: GroupAnalysis) -> Iterator[str]:
    """A first epoch that is too short, or had not converged: later ones then gain by their steps alone."""
    group = analysis.group
    reference = group.baseline or group.plain
    steps = None if reference is None else reference.first_epoch
    if reference is None or steps is None or group.epochs < 2:
        return
    if steps < FEW_STEPS:
        yield (
            f"An epoch has {counted(steps, 'optimiser step')}, so that one epoch can hardly converge: what further "
            "epochs gain may be gained by a smaller batch or a higher rate in the first."
        )
    key = MetricKey("sample", group.metric, group.task)
    curves = [
        [r.metrics.get(key, math.nan) for r in run.records if r.epoch == 1] for run in reference.finished.values()
    ]
    rises = [sign_of(group.metric) * (c[-1] - c[-2]) for c in curves if len(c) > 2]
    climbs = [sign_of(group.metric) * (c[-1] - c[0]) for c in curves if len(c) > 2]
    if rises and (rise := fmean(rises)) > STILL_RISING * (climb := fmean(climbs)) > 0:
        digits = digits_for(analysis.ranked)
        yield (
            "The reference, one epoch of plain training, had not converged: its last part still gained "
            f"{number(rise, digits, signed=True)} of {number(climb, digits, signed=True)} in sample "
            f"{measured(group.task, group.metric)}."
        )


def _of_search(analysis: GroupAnalysis) -> Iterator[str]:
    """Winners at the edge of the range that was searched: a wider one may hold a better."""
    search = analysis.plan.search
    ranges: dict[str, tuple[float, float]] = {"dense_lr": search.dense_lr, "table_lr": search.table_lr}
    ranges |= {} if search.batch_size is None else {"batch_size": search.batch_size}
    at_edge: dict[str, list[str]] = {}
    for arm, (name, (low, high)) in product(analysis.group.everything, ranges.items()):
        if low < high and (value := arm.arm.chosen.get(name)) is not None and _is_near(value, low, high):
            at_edge.setdefault(arm.label, []).append(f"{settings({name: value})} of {low:g} to {high:g}")
    if at_edge:
        found = named([f"{label} ({', '.join(values)})" for label, values in at_edge.items()])
        yield f"The search ended at the edge of its range, beyond which a better value may lie: {found}."


def _is_near(value: float, low: float, high: float) -> bool:
    share = math.log(value / low) / math.log(high / low)
    return not NEAR < share < 1 - NEAR


def _of_nothing(analysis: GroupAnalysis) -> Iterator[str]:
    """Arms whose every number is that of `none`: the strategy does nothing here, or its search left it off."""
    group, plain = analysis.group, analysis.group.plain
    others = [arm for arm in group.arms if arm is not plain and arm.is_like(plain)]
    off = [arm for arm in others if (won := winner(arm, group)) is not None and won.of_none]
    idle = [arm for arm in others if arm not in off]
    if off:
        tried = named([f"{arm.label} (in {counted(len(arm.arm.trials), 'trial')})" for arm in off])
        yield f"The search left these off, as no trial with them did better than plain training: {tried}."
    if idle:
        same = named([arm.label for arm in idle])
        yield f"The same numbers as plain training, to the bit, as at its knobs it does nothing: {same}."
