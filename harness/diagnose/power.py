"""How small a gain the held-out rows can tell: before anything is trained, and by how alike arms proved to be."""

from __future__ import annotations

import math
from statistics import median

from harness.analysis.analysis import GroupAnalysis
from harness.data.indexed_dataset import IndexedDataset

ALIKE = 0.9
"""Correlation of two arms' AUC over test sets, assumed until there are repetitions: the error of their difference is
then .45 of that of one."""
FACTOR = 2.8
"""Standard errors that a gain must have, to be told from none at 5 % four times in five."""


def smallest_gain(data: IndexedDataset, task: int, alike: float = ALIKE) -> float:
    """In test AUC, about; infinite where the test split has one class. alike: the correlation of two arms' AUC.

    The variance of an AUC near .5 is (m + n + 1) / (12 m n), for m positives and n negatives (Mann and Whitney 1947).
    """
    positives, negatives = classes(data, task)
    if not min(positives, negatives):
        return math.inf
    variance = (positives + negatives + 1) / (12 * positives * negatives)
    return FACTOR * math.sqrt(2 * (1 - alike) * variance)


def alike(analysis: GroupAnalysis) -> float | None:
    """The correlation of an arm's AUC with that of one epoch over test sets, of the median arm; None: no run tells.

    From the test errors of both and of their difference (`harness.analysis.sampling`).
    """
    rows = analysis.compared(analysis.group.task, "auc")
    base = next((row.value("best") for row in rows if row.arm.is_baseline), None)
    found = [(row.value("best"), row.value("gain")) for row in rows if not row.arm.is_baseline]
    told = [
        (own.test_error**2 + base.test_error**2 - gain.test_error**2) / (2 * own.test_error * base.test_error)
        for own, gain in found
        if own is not None
        and gain is not None
        and base is not None
        and own.test_error
        and base.test_error
        and not gain.identical
    ]
    return median(told) if told else None


def rows_for(data: IndexedDataset, task: int, gain: float) -> int:
    """How many test rows of this kind would tell a gain."""
    found = smallest_gain(data, task)
    return 0 if math.isinf(found) else math.ceil(len(data.test) * (found / gain) ** 2)


def classes(data: IndexedDataset, task: int) -> tuple[int, int]:
    """How many known test labels are 1 and 0."""
    label_N = data.test.labels_NT[data.test.counted(task), task]
    return int(label_N.sum()), int(len(label_N) - label_N.sum())
