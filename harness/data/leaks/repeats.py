"""Training rows that were logged twice or more, at the same time: an epoch reads them more than once.

As of rows on both sides of the split, their labels must agree as those of copies do. Here that is held against whatever
agrees most among rows that differ in one field, the time or the group: all rows of a session, say, may have one label.
"""

from __future__ import annotations

import numpy as np

from harness.data.indexed_dataset import IndexedDataset
from harness.data.leaks.same_rows import agreement, keys_of_fields, known_labels, looked_up, summed
from harness.data.leaks.tallies import MOST_ROWS
from harness.data.leaks.twins import LEAST, Twins

ROWS = 1 << 17
"""Training rows that are looked up, evenly spaced."""
MANY = 20
"""Other rows that are the same, up to which they may be copies. Rows of few values, as of a day without its users, have
more."""


def repeats(data: IndexedDataset, least: float) -> Twins | None:
    """share: of training rows, that come after another which is the same in all fields, time and group. apart: the most
    over these.

    None if the share is below `least`, which is seen fast, or there are too few of these rows, or all labels are the
    same.
    """
    train = data.train.take(slice(-MOST_ROWS, None))
    some = slice(None, None, len(train) // ROWS + 1)
    label_NT2, key_N = known_labels([train]), summed(keys_of_fields(data, [train], placed=True))
    key_H, own_HT2 = key_N[some], label_NT2[some]
    same = looked_up(key_H, key_N, label_NT2)
    twin_H = (same.rows_H > 1) & (same.rows_H <= 1 + MANY)
    share = float(np.where(twin_H, 1 - 1 / same.rows_H, 0).mean())
    if share < least or twin_H.sum() < LEAST:
        return None
    alike = agreement(key_H[twin_H], own_HT2[twin_H], (same.label_HT2 - own_HT2)[twin_H])
    if alike is None:
        return None
    apart = [0.0]
    for one_N in keys_of_fields(data, [train], placed=True):
        close = looked_up((key_N - one_N)[some], key_N - one_N, label_NT2)
        other_H = close.rows_H > same.rows_H
        if other_H.sum() >= LEAST:
            found = agreement(key_H[other_H], own_HT2[other_H], (close.label_HT2 - same.label_HT2)[other_H])
            apart += [] if found is None else [found.value]
    return Twins(share, alike, max(apart))
