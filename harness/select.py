"""Named selection rules over a run's records: which epoch counts, and what it is worth. Validation data alone."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Record

METRICS = {"auc": 1, "pr_auc": 1, "gauc": 1, "oracle_share": 1, "logloss": -1, "ne": -1, "regret": -1}
"""Metrics to select by; 1: more is better, -1: less is."""
RULES = ("best_epoch", "final_epoch", "one_epoch")


def choose(rule: str, metric: str, task: str, records: Sequence[Record]) -> tuple[int, float]:
    """Epoch (from 1) and value of valid/<metric>/<task> under a rule; the earlier epoch wins a tie.

    Raises:
        ValueError: no boundary record, or an unknown rule.
    """
    values = [(r.epoch, r.metrics[f"valid/{metric}/{task}"]) for r in records if r.boundary]
    if not values:
        raise ValueError("no epoch has ended")
    if rule == "best_epoch":
        return max(values, key=lambda v: (METRICS[metric] * v[1], -v[0]))
    if rule in RULES:
        return values[0 if rule == "one_epoch" else -1]
    raise ValueError(f"unknown selection rule '{rule}'")
