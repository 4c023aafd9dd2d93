"""What the seeds of an arm say: levels, differences paired by seed, and p-values corrected for the number of arms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harness.base.errors import UserError
from harness.metrics.catalog import BUCKETS, sign_of
from harness.metrics.selection import choose
from harness.report.analysis.estimates import Estimate, estimate, holm
from harness.report.analysis.inference import LEVEL
from harness.report.analysis.load import ArmRuns, Group
from harness.results.keys import MetricKey
from harness.results.records import Record, Run

QUANTITIES = ("gain", "further", "best", "first", "last", "end_gain", "drop", "jump")
"""What is estimated of an arm, in a task and metric.

best, first, last: the value at the chosen, the first and the last epoch. gain and end_gain: chosen and last epoch
against the one-epoch baseline; further: chosen epoch against the arm's own first, which is what further epochs give;
all three positive where better. drop: epoch 2 minus epoch 1. jump: sample logloss at the first evaluation of epoch 2
minus that at the end of epoch 1.
"""

DIFFERENCES = ("gain", "further", "end_gain", "drop", "jump")
"""The quantities that are differences: their p-value is of the hypothesis that they are zero."""

BySeed = dict[int, float]


@dataclass(frozen=True)
class Measure:
    """A quantity of one arm, and its difference to that of `none` over the seeds both finished.

    p, p_against_none: Student's t test of no difference, Holm-adjusted over the arms of the group; None for a level,
    for the baseline and from one seed.
    """

    value: Estimate | None
    against_none: Estimate | None
    p: float | None = None
    p_against_none: float | None = None


@dataclass(frozen=True)
class Row:
    """One arm in one task and metric. epochs: the chosen epoch of each finished seed."""

    arm: ArmRuns
    epochs: tuple[int, ...]
    measures: dict[str, Measure]

    def value(self, quantity: str) -> Estimate | None:
        return self.measures[quantity].value

    def shown(self, quantity: str, *, against_none: bool = False) -> int:
        """1 or -1 where a difference is told from zero after correction for the number of arms, else 0.

        Nothing is shown of an arm with a failed seed: what is left of it was not drawn by chance.
        """
        if self.arm.failed:
            return 0
        measure = self.measures[quantity]
        found, p = (measure.against_none, measure.p_against_none) if against_none else (measure.value, measure.p)
        return found.sign if found is not None and p is not None and p < LEVEL else 0


def paired(left: Mapping[int, float], right: Mapping[int, float]) -> BySeed:
    """left - right for the seeds that have both."""
    return {seed: left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())}


def chosen_epoch(arm: ArmRuns, run: Run, group: Group) -> int:
    """The epoch the arm's rule picks for one run, on the validation split, in the plan's task and metric.

    Raises:
        UserError: the run does not record what the plan selects by.
    """
    try:
        return choose(arm.arm.select, group.metric, group.task, run.records)[0]
    except KeyError as error:
        raise UserError(
            f"run '{run.key}' of arm '{arm.arm.id}' records no {error}, which its plan selects by"
        ) from error


def rows(group: Group, task: str, metric: str) -> list[Row]:
    """Every arm of a group, largest gain over the one-epoch baseline first, arms without a value last."""
    by_arm = {id(a): _quantities(a, group, task, metric) for a in group.everything}
    base = by_arm[id(group.baseline)]["best"] if group.baseline else {}
    sign = sign_of(metric)
    for values in by_arm.values():
        values["gain"] = {s: sign * d for s, d in paired(values["best"], base).items()}
        values["end_gain"] = {s: sign * d for s, d in paired(values["last"], base).items()}
    plain = by_arm[id(group.plain)] if group.plain else {}
    found = _corrected([_row(a, group, by_arm[id(a)], plain) for a in group.everything])
    return sorted(found, key=lambda row: _rank(row, sign), reverse=True)


def family(found: Iterable[Row], quantity: str, *, against_none: bool = False) -> int:
    """How many arms the p-values of a difference are corrected for."""
    measures = [row.measures[quantity] for row in found]
    return sum((m.p_against_none if against_none else m.p) is not None for m in measures)


def bucket_gains(group: Group, arm: ArmRuns, task: str, metric: str, *, last: bool) -> dict[str, Estimate]:
    """By training frequency of the rarest id: valid gain over the baseline at the chosen or at the last epoch."""
    found = {}
    for bucket, _ in BUCKETS:
        key = MetricKey("valid", metric, task, bucket)
        base = {} if group.baseline is None else _boundary_values(group.baseline, group, key, last=False)
        gains = paired(_boundary_values(arm, group, key, last=last), base)
        value = estimate(sign_of(metric) * gain for gain in gains.values())
        if value is not None:
            found[bucket] = value
    return found


def against(left: ArmRuns, right: ArmRuns, group: Group) -> Estimate | None:
    """Paired difference of two arms at their chosen epochs in the plan's task and metric; positive: left is better."""
    key = MetricKey(group.split, group.metric, group.task)
    gains = paired(_boundary_values(left, group, key, last=False), _boundary_values(right, group, key, last=False))
    return estimate(sign_of(group.metric) * gain for gain in gains.values())


def _boundary_values(arm: ArmRuns, group: Group, key: MetricKey, *, last: bool) -> BySeed:
    found = {}
    for seed, run in arm.finished.items():
        end = run.boundaries[-1 if last else chosen_epoch(arm, run, group) - 1]
        if key in end.metrics:
            found[seed] = end.metrics[key]
    return found


def _quantities(arm: ArmRuns, group: Group, task: str, metric: str) -> dict[str, BySeed]:
    found: dict[str, BySeed] = {name: {} for name in QUANTITIES}
    key = MetricKey(group.split, metric, task)
    for seed, run in arm.finished.items():
        ends = [end.metrics.get(key, math.nan) for end in run.boundaries]
        values = {"best": ends[chosen_epoch(arm, run, group) - 1], "first": ends[0]}
        if not arm.is_baseline:
            values["last"], values["further"] = ends[-1], sign_of(metric) * (values["best"] - ends[0])
            if len(ends) > 1:
                values["drop"] = ends[1] - ends[0]
                values["jump"] = _jump(run.records, MetricKey("sample", "logloss", task))
        for name, value in values.items():
            if not math.isnan(value):
                found[name][seed] = value
    return found


def _jump(records: Iterable[Record], key: MetricKey) -> float:
    """Change of the sample loss from the end of epoch 1 to the first evaluation after it."""
    values = {r.position: r.metrics.get(key, math.nan) for r in records}
    return values[min(p for p in values if p > 1)] - values.get(1.0, math.nan)


def _row(arm: ArmRuns, group: Group, values: dict[str, BySeed], plain: dict[str, BySeed]) -> Row:
    epochs = tuple(chosen_epoch(arm, run, group) for run in arm.finished.values())
    compared = {} if arm is group.plain else plain
    return Row(
        arm,
        epochs,
        {
            name: Measure(
                estimate(values[name].values()), estimate(paired(values[name], compared.get(name, {})).values())
            )
            for name in QUANTITIES
        },
    )


def _corrected(found: list[Row]) -> list[Row]:
    """The same rows with Holm-adjusted p-values; a family is one quantity of every arm but the baseline."""
    arms = [row for row in found if not row.arm.is_baseline]
    measures: list[dict[str, Measure]] = [{} for _ in arms]
    for name in QUANTITIES:
        family = [row.measures[name] for row in arms]
        own = holm([m.value.p_value if m.value and name in DIFFERENCES else None for m in family])
        to_none = holm([m.against_none.p_value if m.against_none else None for m in family])
        for into, measure, p, p_none in zip(measures, family, own, to_none, strict=True):
            into[name] = replace(measure, p=p, p_against_none=p_none)
    corrected = [replace(row, measures=m) for row, m in zip(arms, measures, strict=True)]
    return corrected + [row for row in found if row.arm.is_baseline]


def _rank(row: Row, sign: int) -> tuple[float, float]:
    gain, best = row.value("gain"), row.value("best")
    return (-math.inf if gain is None else gain.mean, -math.inf if best is None else sign * best.mean)
