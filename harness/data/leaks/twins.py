"""Rows that were logged twice, on both sides of the split: whether rows with the same fields agree as copies do.

Honest rows with the same fields agree too, as far as fields tell the label. So their agreement is held against that of
rows that differ in one field alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.data.estimate import Estimate
from harness.data.indexed_dataset import IndexedDataset
from harness.data.leaks.evidence import HELD_OUT
from harness.data.leaks.same_rows import agreement, keys_of_fields, known_labels, looked_up, summed
from harness.data.leaks.tallies import MOST_ROWS

HELD_ROWS = 1 << 16
"""Held-out rows that are looked up, evenly spaced."""
FEW = 3
"""Training rows with the same fields, up to which one of them may be a copy; among more, it would not show."""
LEAST = 100
"""Held-out rows that must have a twin; and one that differs in a field, for that field to count."""


@dataclass(frozen=True)
class Twins:
    """share: of held-out rows, whose fields one to `FEW` training rows have as well. alike: correlation of their labels
    with those of these rows. apart: the same of rows that differ in one field; the median over fields."""

    share: float
    alike: Estimate
    apart: float

    @property
    def copies(self) -> Estimate:
        """The share of these rows that are copies, if others agree as rows that differ in one field do."""
        room = max(1 - self.apart, 1e-9)
        return Estimate((self.alike.value - self.apart) / room, self.alike.error / room)


def twins(data: IndexedDataset, least: float) -> Twins | None:
    """None if the share is below `least`, which is seen fast, or there are too few of these rows, or all labels are the
    same."""
    every = sum(len(data.split(part)) for part in HELD_OUT) // HELD_ROWS + 1
    held = [data.split(part).take(slice(None, None, every)) for part in HELD_OUT]
    train = [data.train.take(slice(-MOST_ROWS, None))]
    label_HT2, label_NT2 = known_labels(held), known_labels(train)
    key_H, key_N = summed(keys_of_fields(data, held)), summed(keys_of_fields(data, train))
    same = looked_up(key_H, key_N, label_NT2)
    twin_H = (same.rows_H > 0) & (same.rows_H <= FEW)
    if twin_H.mean() < least or twin_H.sum() < LEAST:
        return None
    alike = agreement(key_H[twin_H], label_HT2[twin_H], same.label_HT2[twin_H])
    apart = []
    for held_H, train_N in zip(keys_of_fields(data, held), keys_of_fields(data, train), strict=True):
        close = looked_up(key_H - held_H, key_N - train_N, label_NT2)
        other_H = close.rows_H > same.rows_H
        if other_H.sum() >= LEAST:
            others_HT2 = close.label_HT2 - same.label_HT2
            apart.append(agreement(key_H[other_H], label_HT2[other_H], others_HT2[other_H]))
    known = [each.value for each in apart if each is not None]
    return None if alike is None else Twins(float(twin_H.mean()), alike, max(0.0, float(np.median(known or [0.0]))))
