"""Named selection rules over a run's records: which epoch counts, and what it is worth. Validation data alone."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from harness.metrics.catalog import sign_of
from harness.results.keys import MetricKey
from harness.results.records import Record


class Rule(StrEnum):
    """Which epoch of a run counts."""

    BEST_EPOCH = "best_epoch"
    FINAL_EPOCH = "final_epoch"
    ONE_EPOCH = "one_epoch"


def choose(rule: Rule | str, metric: str, task: str, records: Sequence[Record]) -> tuple[int, float]:
    """Epoch (from 1) and value of valid/<metric>/<task> under a rule; the earlier epoch wins a tie.

    Raises:
        ValueError: no boundary record, or an unknown rule.
    """
    key = MetricKey("valid", metric, task)
    values = [(r.epoch, r.metrics[key]) for r in records if r.boundary]
    if not values:
        raise ValueError("no epoch has ended")
    match Rule(rule):
        case Rule.BEST_EPOCH:
            return max(values, key=lambda v: (sign_of(metric) * v[1], -v[0]))
        case Rule.FINAL_EPOCH:
            return values[-1]
        case Rule.ONE_EPOCH:
            return values[0]
