"""What a continual plan says window by window: gains over the one-epoch baseline, and whether these last.

An arm is read at the number of epochs per window that its rule picks, as its gain is, or at the last, which says what
further epochs come to where validation picks one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import BySeed, paired
from harness.analysis.estimates import Estimate
from harness.analysis.groups import ArmRuns, Group
from harness.metrics.catalog import sign_of
from harness.results.keys import MetricKey

ByWindow = Mapping[int, BySeed]
"""Window trained on -> seed -> value on the window after it."""


@dataclass(frozen=True)
class ArmWindows:
    """An arm trained for so many epochs on every window, in the plan's task and metric.

    gains: over the baseline on the same window, paired by seed, positive where better.
    """

    group: Group
    arm: ArmRuns
    gains: ByWindow

    def at(self, window: int) -> Estimate | None:
        return self.group.estimate(self.gains[window].values(), self.arm)

    @property
    def first(self) -> Estimate | None:
        return self.at(min(self.gains)) if self.gains else None

    @property
    def last(self) -> Estimate | None:
        return self.at(max(self.gains)) if self.gains else None

    @cached_property
    def trend(self) -> Estimate | None:
        """By how much the gain changes from window to window: the slope of a straight line, of each seed."""
        seeds = sorted(set.intersection(*(set(gains) for gains in self.gains.values()))) if len(self.gains) > 1 else []
        slopes = [np.polyfit(list(self.gains), [gains[seed] for gains in self.gains.values()], 1)[0] for seed in seeds]
        return self.group.estimate(map(float, slopes), self.arm)


def by_window(analysis: GroupAnalysis, *, last: bool) -> list[ArmWindows]:
    """Every arm with a window, in the order of the group, the baseline last; none where the plan is not continual.

    last: read at the last number of epochs instead of the chosen one.
    """
    group = analysis.group
    sign, key = sign_of(group.metric), MetricKey(group.split, group.metric, group.task)
    base = {} if group.baseline is None else _values(analysis, group.baseline, key, last=False)
    found = []
    for arm in group.everything:
        values = _values(analysis, arm, key, last=last and not arm.is_baseline)
        gains = {window: paired(by_seed, base.get(window, {})) for window, by_seed in values.items()}
        if values:
            signed = {w: {s: sign * gain for s, gain in by_seed.items()} for w, by_seed in gains.items() if by_seed}
            found.append(ArmWindows(group, arm, signed))
    return found


def _values(analysis: GroupAnalysis, arm: ArmRuns, key: MetricKey, *, last: bool) -> dict[int, BySeed]:
    found = dict[int, BySeed]()
    for seed, run in arm.finished.items():
        epochs = len(run.boundaries) if last else analysis.epochs[id(arm)][seed]
        for record in run.windows:
            if record.boundary and record.epoch == epochs and key in record.metrics:
                found.setdefault(record.window, {})[seed] = record.metrics[key]
    return dict(sorted(found.items()))
