"""What numbers, lists and sequences of a coded data set look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset

MOST_ROWS = 1 << 20
"""Of a split, that are read: the last of training, the first of test."""


@dataclass(frozen=True)
class NumberProfile:
    """One field of numbers. moved: its mean in test minus that in training, in deviations of training."""

    name: str
    missing_train: float
    missing_test: float
    moved: float


@dataclass(frozen=True)
class ListProfile:
    """One field of lists. ids: distinct ones of its table in training. unseen: the share of ids in lists of test rows
    that training never saw."""

    name: str
    table: str
    ids: int
    mean_length: float
    unseen: float


def number_profiles(data: IndexedDataset) -> tuple[NumberProfile, ...]:
    """Of every field of numbers that is not in buckets."""
    train_NP, test_NP = data.train.numbers_NP, data.test.numbers_NP
    if train_NP is None or test_NP is None:
        return ()
    found = []
    for p, number in enumerate(data.kinds.numbers):
        train_N, test_N = np.asarray(train_NP[-MOST_ROWS:, p]), np.asarray(test_NP[:MOST_ROWS, p])
        known, later = _known(train_N), _known(test_N)
        moved = (later.mean() - known.mean()) / (known.std() or 1.0) if len(known) and len(later) else 0.0
        missing, missing_later = (float(np.isnan(value_N).mean()) for value_N in (train_N, test_N))
        found.append(NumberProfile(number.name, missing, missing_later, float(moved)))
    return tuple(found)


def list_profiles(data: IndexedDataset) -> tuple[ListProfile, ...]:
    """Of every list and sequence."""
    found = []
    for g, each in enumerate(data.kinds.lists):
        table = data.table_of(each.name)
        count_V = data.count_V[table]
        code_M, length_N = data.listed_codes(data.test, g, slice(MOST_ROWS))
        seen_M = count_V[code_M] > 0
        unseen = float(1 - seen_M.mean()) if len(seen_M) else 0.0
        ids = int(np.count_nonzero(count_V))
        found.append(ListProfile(each.name, data.tables[table], ids, float(length_N.mean()), unseen))
    return tuple(found)


def _known(value_N: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return value_N[~np.isnan(value_N)].astype(np.float64)
