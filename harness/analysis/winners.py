"""Which trial an arm reports: one of its own, or one of `none` that reached more than all of these (`search.plain`)."""

from __future__ import annotations

from typing import NamedTuple

from harness.analysis.groups import ArmRuns, Group
from harness.metrics.catalog import sign_of
from harness.results.plan_results import Trial


class Winner(NamedTuple):
    """of_none: whether the trial is of the search of `none`, and the arm's own knobs neutral."""

    trial: Trial
    of_none: bool


def winner(arm: ArmRuns, group: Group) -> Winner | None:
    """Of the knobs that an arm reports first; None: nothing was searched, or all of it failed."""
    chosen, sign = arm.arm.chosen, sign_of(group.metric)
    others = group.plain if arm.arm.trials and not arm.is_baseline and arm is not group.plain else None
    plain = others.arm.trials if others is not None else ()
    own = [trial for trial in arm.arm.trials if trial.params == chosen]
    theirs = [trial for trial in plain if trial.params.items() <= chosen.items()]
    reached = [(sign * trial.value, trial) for trial in own or theirs if trial.value is not None]
    return Winner(max(reached, key=lambda each: each[0])[1], not own) if reached else None
