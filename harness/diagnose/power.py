"""How small a gain the held-out rows can tell, before anything is trained."""

from __future__ import annotations

import math

from harness.data.indexed import IndexedDataset

ALIKE = 0.9
"""Assumed correlation of two arms' AUC over test sets: the error of their difference is then .45 of that of one."""
FACTOR = 2.8
"""Standard errors that a gain must have, to be told from none at 5 % four times in five."""


def smallest_gain(data: IndexedDataset, task: int) -> float:
    """In test AUC, about; infinite where the test split has one class.

    The variance of an AUC near .5 is (m + n + 1) / (12 m n), for m positives and n negatives (Mann and Whitney 1947).
    """
    positives, negatives = classes(data, task)
    if not min(positives, negatives):
        return math.inf
    variance = (positives + negatives + 1) / (12 * positives * negatives)
    return FACTOR * math.sqrt(2 * (1 - ALIKE) * variance)


def rows_for(data: IndexedDataset, task: int, gain: float) -> int:
    """How many test rows of this kind would tell a gain."""
    found = smallest_gain(data, task)
    return 0 if math.isinf(found) else math.ceil(len(data.test) * (found / gain) ** 2)


def classes(data: IndexedDataset, task: int) -> tuple[int, int]:
    """How many known test labels are 1 and 0."""
    label_N = data.test.labels_NT[data.test.counted(task), task]
    return int(label_N.sum()), int(len(label_N) - label_N.sum())
