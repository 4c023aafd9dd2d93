"""What the seeds of an arm say: means, Student-t intervals, and differences paired by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from harness.metrics import BUCKETS
from harness.plugin import UserError
from harness.records import Record, Run
from harness.report.load import ArmRuns, Group
from harness.select import METRICS, choose

QUANTITIES = ("gain", "best", "first", "last", "end_gain", "drop", "jump")
"""What is estimated of an arm, in a task and metric.

best, first, last: the value at the chosen, the first and the last epoch. gain and end_gain: chosen and last epoch
against the one-epoch baseline, positive being better. drop: epoch 2 minus epoch 1. jump: sample logloss at the first
evaluation of epoch 2 minus that at the end of epoch 1.
"""

BySeed = dict[int, float]


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` seeds with its 95 % interval; no interval from one seed."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def sign(self) -> int:
        """1 or -1 where the interval excludes zero on that side; 0 where the seeds do not tell."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True)
class Measure:
    """A quantity of one arm, and its difference to that of `none` over the seeds both finished."""

    value: Estimate | None
    against_none: Estimate | None


@dataclass(frozen=True)
class Row:
    """One arm in one task and metric. epochs: the chosen epoch of each finished seed."""

    arm: ArmRuns
    epochs: tuple[int, ...]
    measures: dict[str, Measure]

    def value(self, quantity: str) -> Estimate | None:
        return self.measures[quantity].value


def estimate(values: Iterable[float]) -> Estimate | None:
    """Mean and Student-t interval of independent values; None of none."""
    array = np.array(list(values), dtype=np.float64)
    n = len(array)
    if n == 0:
        return None
    mean = float(array.mean())
    if n == 1:
        return Estimate(mean, None, None, 1)
    half = float(stdtrit(n - 1, 0.975) * array.std(ddof=1) / math.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n)


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
    sign = METRICS[metric]
    for values in by_arm.values():
        values["gain"] = {s: sign * d for s, d in paired(values["best"], base).items()}
        values["end_gain"] = {s: sign * d for s, d in paired(values["last"], base).items()}
    plain = by_arm[id(group.plain)] if group.plain else {}
    found = [_row(a, group, by_arm[id(a)], plain) for a in group.everything]
    return sorted(found, key=lambda row: _rank(row, sign), reverse=True)


def bucket_gains(group: Group, arm: ArmRuns, task: str, metric: str, *, last: bool) -> dict[str, Estimate]:
    """By training frequency of the rarest id: valid gain over the baseline at the chosen or at the last epoch."""
    found = {}
    for bucket, _ in BUCKETS:
        key = f"valid@{bucket}/{metric}/{task}"
        base = {} if group.baseline is None else _boundary_values(group.baseline, group, key, last=False)
        gains = paired(_boundary_values(arm, group, key, last=last), base)
        value = estimate(METRICS[metric] * gain for gain in gains.values())
        if value is not None:
            found[bucket] = value
    return found


def against(left: ArmRuns, right: ArmRuns, group: Group) -> Estimate | None:
    """Paired difference of two arms at their chosen epochs in the plan's task and metric; positive: left is better."""
    key = f"{group.split}/{group.metric}/{group.task}"
    gains = paired(_boundary_values(left, group, key, last=False), _boundary_values(right, group, key, last=False))
    return estimate(METRICS[group.metric] * gain for gain in gains.values())


def _boundary_values(arm: ArmRuns, group: Group, key: str, *, last: bool) -> BySeed:
    found = {}
    for seed, run in arm.finished.items():
        end = run.boundaries[-1 if last else chosen_epoch(arm, run, group) - 1]
        if key in end.metrics:
            found[seed] = end.metrics[key]
    return found


def _quantities(arm: ArmRuns, group: Group, task: str, metric: str) -> dict[str, BySeed]:
    found: dict[str, BySeed] = {name: {} for name in QUANTITIES}
    key = f"{group.split}/{metric}/{task}"
    for seed, run in arm.finished.items():
        ends = [end.metrics.get(key, math.nan) for end in run.boundaries]
        values = {"best": ends[chosen_epoch(arm, run, group) - 1], "first": ends[0]}
        if not arm.is_baseline:
            values["last"] = ends[-1]
            if len(ends) > 1:
                values["drop"] = ends[1] - ends[0]
                values["jump"] = _jump(run.records, f"sample/logloss/{task}")
        for name, value in values.items():
            if not math.isnan(value):
                found[name][seed] = value
    return found


def _jump(records: Iterable[Record], key: str) -> float:
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


def _rank(row: Row, sign: int) -> tuple[float, float]:
    gain, best = row.value("gain"), row.value("best")
    return (-math.inf if gain is None else gain.mean, -math.inf if best is None else sign * best.mean)
