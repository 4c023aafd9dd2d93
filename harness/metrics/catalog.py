"""The catalogue of metrics and probes: all that search, records, tables, MLflow and documents know about each.

A new metric is one entry here and one function of the same name in `metrics.classification`; a new probe one entry and
one function in `engine.probes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Needs(StrEnum):
    """What data must have for a metric or probe to be defined."""

    LABELS = "labels"
    POSITIVES = "a positive label"
    BOTH_CLASSES = "labels of both classes"
    TRUTH = "known probabilities"
    GROUPS = "groups"


@dataclass(frozen=True)
class MetricInfo:
    """One metric of predictions."""

    name: str
    """As in records, plans and file formats."""
    title: str
    """As in tables and figures."""
    meaning: str
    """In a sentence."""
    larger_is_better: bool | None
    """None: neither is, so that nothing can be selected or ranked by it."""
    needs: Needs = Needs.LABELS
    unit: str = ""
    in_tables: bool = False
    """Whether published numbers hold it even where a plan ranks by another."""

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        assert self.larger_is_better is not None
        return 1 if self.larger_is_better else -1

    @property
    def with_unit(self) -> str:
        """`AUC`, `logloss in nats`."""
        return f"{self.title} in {self.unit}" if self.unit else self.title


@dataclass(frozen=True)
class ProbeInfo:
    """A diagnostic that an evaluation adds to its metrics where a plan asks for it."""

    name: str
    meaning: str
    needs: Needs = Needs.LABELS


def _by_name(*entries: MetricInfo) -> dict[str, MetricInfo]:
    return {entry.name: entry for entry in entries}


METRICS = _by_name(
    MetricInfo("auc", "AUC", "area under the ROC curve, ties counting half", True, Needs.BOTH_CLASSES, in_tables=True),
    MetricInfo(
        "truth_auc",
        "truth-AUC",
        "AUC where an example of known probability p counts as p of a positive and 1 - p of a negative",
        True,
        Needs.TRUTH,
        in_tables=True,
    ),
    MetricInfo(
        "pr_auc", "PR-AUC", "area under the precision-recall curve, as average precision", True, Needs.BOTH_CLASSES
    ),
    MetricInfo("gauc", "GAUC", "mean AUC within a group, weighted by the group's examples", True, Needs.GROUPS),
    MetricInfo("gauc_share", "share of GAUC", "share of examples in groups that have both classes", None, Needs.GROUPS),
    MetricInfo("oracle_share", "share of oracle AUC", "share of (oracle AUC - 0.5) that is reached", True, Needs.TRUTH),
    MetricInfo("logloss", "logloss", "mean cross-entropy", False, unit="nats", in_tables=True),
    MetricInfo("ne", "normalised entropy", "logloss over the entropy of the base rate", False, Needs.BOTH_CLASSES),
    MetricInfo("brier", "Brier score", "mean squared difference of probability and label", False, in_tables=True),
    MetricInfo(
        "regret",
        "regret",
        "expected logloss under the known probabilities, above that of predicting them",
        False,
        Needs.TRUTH,
        "nats",
        in_tables=True,
    ),
    MetricInfo(
        "calibration", "calibration", "sum of probabilities over sum of labels; 1 is calibrated", None, Needs.POSITIVES
    ),
)
"""Every metric, in the order of tables."""
SELECTABLE = {name: info for name, info in METRICS.items() if info.larger_is_better is not None}
"""Those that a plan can select and rank by."""

PROBES = {
    probe.name: probe
    for probe in (
        ProbeInfo("a_distance", "how far a field's embedding alone tells the label, of trained and of fresh examples"),
        ProbeInfo(
            "label_noise_correlation",
            "correlation of what a field's embedding tells with the noise of labels it was trained on",
            Needs.TRUTH,
        ),
        ProbeInfo(
            "true_logit_correlation",
            "correlation of what a field's embedding tells of fresh examples with the logit of their truth",
            Needs.TRUTH,
        ),
        ProbeInfo("row_norm", "by training count, how far rows have moved since they were drawn"),
        ProbeInfo("self_influence", "by training count, the part of that which the last batch's own examples caused"),
    )
}
"""Every probe."""
BUCKETS = (("unseen", 0), ("1", 1), ("2-4", 2), ("5-19", 5), ("20-99", 20), ("100-up", 100))
"""Name and lowest training count of each frequency bucket."""


def sign_of(metric: str) -> int:
    """1 where more of a metric is better, -1 where less is."""
    return METRICS[metric].sign


def measured(task: str, metric: str) -> str:
    """`click AUC`, `click logloss in nats`."""
    return f"{task} {METRICS[metric].with_unit}"
