"""What the seeds of an arm say: levels, differences paired by seed, and p-values corrected for the number of arms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.estimates import Estimate, holm
from harness.analysis.groups import ArmRuns, Group
from harness.analysis.inference import LEVEL
from harness.analysis.sampling import End, SamplingErrors
from harness.metrics.catalog import sign_of
from harness.metrics.curves import boundary_jump
from harness.results.keys import MetricKey

QUANTITIES = (
    "gain",
    "gain_after_own_first",
    "best",
    "first",
    "last",
    "final_epoch_gain",
    "second_epoch_change",
    "jump",
)
"""What is estimated of an arm, in a task and metric.

best, first, last: the value at the chosen, the first and the last epoch. gain, final_epoch_gain: chosen and last epoch
against the one-epoch baseline; gain_after_own_first: chosen epoch against the arm's own first, which is what further
epochs give; all three positive where better. second_epoch_change: epoch 2 minus epoch 1. jump: sample logloss at the
first evaluation of epoch 2 minus that at the end of epoch 1.
"""

DIFFERENCES = ("gain", "gain_after_own_first", "final_epoch_gain", "second_epoch_change", "jump")
"""The quantities that are differences: their p-value is of the hypothesis that they are zero."""

OWN_ENDS: dict[str, dict[str, int]] = {
    "gain": {"chosen": 1},
    "gain_after_own_first": {"chosen": 1, "first": -1},
    "best": {"chosen": 1},
    "first": {"first": 1},
    "last": {"last": 1},
    "final_epoch_gain": {"last": 1},
    "second_epoch_change": {"second": 1, "first": -1},
}
"""Of what is read on the test split: the epochs of the arm's own runs that enter, each with its sign."""
OVER_BASELINE = ("gain", "final_epoch_gain")
"""Those that the chosen epoch of the baseline is taken from."""

BySeed = dict[int, float]
Epochs = Mapping[int, Mapping[int, int]]
"""By `id` of the arm, seed -> chosen epoch."""


@dataclass(frozen=True)
class Contrast:
    """A quantity of one arm, and its difference to that of `none` over the seeds that both finished."""

    by_seed: BySeed
    value: Estimate | None
    against_none: Estimate | None
    p: float | None = None
    """Of the t test that a difference is zero, Holm-adjusted over the arms that are read together; None for a level,
    for the baseline and from one seed."""
    p_against_none: float | None = None
    compared: tuple[int, int] = (0, 0)
    """How many arms p and p_against_none are corrected for."""


@dataclass(frozen=True)
class ArmComparison:
    """One arm in one task and metric."""

    arm: ArmRuns
    epochs: tuple[int, ...]
    """The chosen epoch of each finished seed."""
    contrasts: dict[str, Contrast]
    """Quantity -> what it came to."""
    base_failed: bool = False
    """Whether the one-epoch baseline has a failed seed."""
    plain_failed: bool = False
    """Whether `none` has one."""

    def value(self, quantity: str) -> Estimate | None:
        return self.contrasts[quantity].value

    def difference(self, quantity: str, *, against_none: bool = False) -> Estimate | None:
        """A quantity that is a difference, or its difference to that of `none`."""
        contrast = self.contrasts[quantity]
        return contrast.against_none if against_none else contrast.value

    def p(self, quantity: str, *, against_none: bool = False) -> float | None:
        """Its Holm-adjusted p; None where seeds are `lost`."""
        if self.lost(quantity, against_none=against_none):
            return None
        contrast = self.contrasts[quantity]
        return contrast.p_against_none if against_none else contrast.p

    def lost(self, quantity: str, *, against_none: bool = False) -> bool:
        """Whether a seed of the arm failed, or of what a difference is taken to: the seeds that are left were not drawn
        by chance, and show nothing."""
        to_base = self.base_failed and quantity in OVER_BASELINE
        return bool(self.arm.failed) or to_base or (against_none and self.plain_failed)

    def shown(self, quantity: str, *, against_none: bool = False) -> int:
        """The sign of a difference that is significant after correction for the number of arms, else 0, as it is where
        seeds are `lost`."""
        found, p = self.difference(quantity, against_none=against_none), self.p(quantity, against_none=against_none)
        return found.sign if found is not None and p is not None and p < LEVEL else 0


def paired(left: Mapping[int, float], right: Mapping[int, float]) -> BySeed:
    """left - right for the seeds that have both."""
    return {seed: left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())}


def compare_arms(group: Group, epochs: Epochs, task: str, metric: str, errors: SamplingErrors) -> list[ArmComparison]:
    """Every arm of a group, largest gain over the one-epoch baseline first, arms without a value last; p is still to be
    `corrected`. errors: of means in this task and metric."""
    by_arm = {id(a): _quantities(a, epochs[id(a)], group, task, metric) for a in group.everything}
    base = by_arm[id(group.baseline)]["best"] if group.baseline else {}
    sign = sign_of(metric)
    for values in by_arm.values():
        values["gain"] = {s: sign * d for s, d in paired(values["best"], base).items()}
        values["final_epoch_gain"] = {s: sign * d for s, d in paired(values["last"], base).items()}
    failed = group.once_failed, group.plain is not None and group.plain.failed != ()
    found = [
        ArmComparison(arm, tuple(epochs[id(arm)].values()), _contrasts(arm, group, by_arm, errors), *failed)
        for arm in group.everything
    ]
    return sorted(found, key=lambda row: _rank(row, sign), reverse=True)


def corrected(found: list[ArmComparison], read_with: Sequence[ArmComparison] = ()) -> list[ArmComparison]:
    """The same with Holm-adjusted p-values; a family is one quantity of every arm but baselines.

    read_with: the arms of other groups in the same tables, which belong to the family.
    """
    arms = [row for row in (*found, *read_with) if not row.arm.is_baseline]
    contrasts: dict[int, dict[str, Contrast]] = {id(row): {} for row in arms}
    for name in QUANTITIES:
        values = [row.contrasts[name].value if name in DIFFERENCES else None for row in arms]
        beyond = [row.contrasts[name].against_none for row in arms]
        own, to_none = (holm([e.p_value if e else None for e in each]) for each in (values, beyond))
        compared = sum(p is not None for p in own), sum(p is not None for p in to_none)
        for row, p, p_none in zip(arms, own, to_none, strict=True):
            contrasts[id(row)][name] = replace(row.contrasts[name], p=p, p_against_none=p_none, compared=compared)
    return [replace(row, contrasts=contrasts.get(id(row), row.contrasts)) for row in found]


def family(found: Iterable[ArmComparison], quantity: str, *, against_none: bool = False) -> int:
    """How many arms the p-values of a difference are corrected for."""
    return max((row.contrasts[quantity].compared[against_none] for row in found), default=0)


def _quantities(arm: ArmRuns, epochs: Mapping[int, int], group: Group, task: str, metric: str) -> dict[str, BySeed]:
    found: dict[str, BySeed] = {name: {} for name in QUANTITIES}
    key = MetricKey(group.split, metric, task)
    for seed, run in arm.finished.items():
        ends = [end.metrics.get(key, math.nan) for end in run.boundaries]
        values = {"best": ends[epochs[seed] - 1], "first": ends[0]}
        if not arm.is_baseline:
            values["last"], values["gain_after_own_first"] = ends[-1], sign_of(metric) * (values["best"] - ends[0])
            if len(ends) > 1:
                values["second_epoch_change"] = ends[1] - ends[0]
                jump = boundary_jump(run.records, run.spec, task)
                values["jump"] = math.nan if jump is None else jump
        for name, value in values.items():
            if not math.isnan(value):
                found[name][seed] = value
    return found


def _contrasts(
    arm: ArmRuns, group: Group, by_arm: Mapping[int, Mapping[str, BySeed]], errors: SamplingErrors
) -> dict[str, Contrast]:
    """Every quantity of an arm, before p is corrected."""
    plain, found = None if arm is group.plain else group.plain, {}
    either = (arm,) if plain is None else (arm, plain)
    for name, values in by_arm[id(arm)].items():
        ends = _ends(name, arm, group)
        beyond = {} if plain is None else paired(values, by_arm[id(plain)][name])
        more = [] if plain is None else [(of, place, -sign) for of, place, sign in _ends(name, plain, group)]
        found[name] = Contrast(
            values,
            group.estimate(values.values(), arm, test_error=errors.of(ends, values)),
            group.estimate(beyond.values(), *either, test_error=errors.of(ends + more, beyond)),
        )
    return found


def _ends(name: str, arm: ArmRuns, group: Group) -> list[End]:
    """What a quantity of an arm is made of."""
    ends: list[End] = [(arm, place, sign) for place, sign in OWN_ENDS.get(name, {}).items()]
    return [*ends, (group.baseline, "chosen", -1)] if group.baseline and name in OVER_BASELINE else ends


def _rank(row: ArmComparison, sign: int) -> tuple[float, float]:
    gain, best = row.value("gain"), row.value("best")
    return (-math.inf if gain is None else gain.mean, -math.inf if best is None else sign * best.mean)
