"""Rows that were logged twice, on both sides of the split: whether rows with the same fields agree as copies do.

Honest rows with the same fields agree too, as far as fields tell the label. So their agreement is held against that of
rows that differ in one field alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.estimate import Estimate
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.leaks.evidence import HELD_OUT
from harness.data.leaks.tallies import MOST_ROWS, Ints

Keys = npt.NDArray[np.uint64]
HELD_ROWS = 1 << 16
"""Held-out rows that are looked up, evenly spaced."""
FEW = 3
"""Training rows with the same fields, up to which one of them may be a copy; among more, it would not show."""
LEAST = 100
"""Held-out rows that must have a twin; and one that differs in a field, for that field to count."""
PREFIX = np.uint64(64 - 22)
"""Keys with other first bits than all that are looked for need not be looked up."""


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


class _Found(NamedTuple):
    """Of the training rows with the key of each held-out row: how many, and how many labels are 0 and 1."""

    rows_H: Ints
    label_HT2: Ints


def twins(data: IndexedDataset, least: float) -> Twins | None:
    """None if the share is below `least`, which is seen fast, or there are too few of these rows, or all labels are the
    same."""
    every = sum(len(data.split(part)) for part in HELD_OUT) // HELD_ROWS + 1
    held = [data.split(part).take(slice(None, None, every)) for part in HELD_OUT]
    train = [data.train.take(slice(-MOST_ROWS, None))]
    label_HT2, label_NT2 = _labels(held), _labels(train)
    key_H, key_N = _sum(_fields(data, held)), _sum(_fields(data, train))
    same = _found(key_H, key_N, label_NT2)
    twin_H = (same.rows_H > 0) & (same.rows_H <= FEW)
    if twin_H.mean() < least or twin_H.sum() < LEAST:
        return None
    alike = _agreement(key_H[twin_H], label_HT2[twin_H], same.label_HT2[twin_H])
    apart = []
    for held_H, train_N in zip(_fields(data, held), _fields(data, train), strict=True):
        close = _found(key_H - held_H, key_N - train_N, label_NT2)
        other_H = close.rows_H > same.rows_H
        if other_H.sum() >= LEAST:
            others_HT2 = close.label_HT2 - same.label_HT2
            apart.append(_agreement(key_H[other_H], label_HT2[other_H], others_HT2[other_H]))
    known = [each.value for each in apart if each is not None]
    return None if alike is None else Twins(float(twin_H.mean()), alike, max(0.0, float(np.median(known or [0.0]))))


def _agreement(key_H: Keys, own_HT2: npt.NDArray[np.bool_], others_HT2: Ints) -> Estimate | None:
    """Correlation of labels with the mean of others, all tasks together; its standard error over keys, which is not
    less than that of labels that do not correlate.

    own_HT2: in which each is known and 0, known and 1. others_HT2: counts of the same.
    """
    product_H, scale_H = np.zeros(len(key_H)), np.zeros(len(key_H))
    for t in range(own_HT2.shape[1]):
        at_K = np.flatnonzero(own_HT2[:, t].any(axis=1) & others_HT2[:, t].any(axis=1))
        own_K, other_K = own_HT2[at_K, t, 1].astype(float), others_HT2[at_K, t, 1] / others_HT2[at_K, t].sum(axis=1)
        if len(at_K):
            base = (own_K.mean() + other_K.mean()) / 2
            product_H[at_K] += (own_K - base) * (other_K - base)
            scale_H[at_K] += base * (1 - base)
    if not (scale := scale_H.sum()):
        return None
    value = product_H.sum() / scale
    rest_U = np.bincount(np.unique(key_H, return_inverse=True)[1], product_H - value * scale_H)
    error = max(np.sqrt((rest_U**2).sum()) / scale, 1 / np.sqrt(len(rest_U)))
    return Estimate(float(value), float(error))


def _found(key_H: Keys, key_N: Keys, label_NT2: npt.NDArray[np.bool_]) -> _Found:
    """Training rows of each key that is looked for."""
    key_U, at_H = np.unique(key_H, return_inverse=True)
    begins = np.zeros(1 << (64 - int(PREFIX)), np.bool_)
    begins[key_U >> PREFIX] = True
    likely_K = np.flatnonzero(begins[key_N >> PREFIX])
    at_K = np.minimum(np.searchsorted(key_U, key_N[likely_K]), len(key_U) - 1)
    hit_K = key_U[at_K] == key_N[likely_K]
    at_M, label_MT2 = at_K[hit_K], label_NT2[likely_K[hit_K]]
    label_UT2 = np.zeros((len(key_U), *label_NT2.shape[1:]), np.int64)
    np.add.at(label_UT2, at_M, label_MT2)
    return _Found(np.bincount(at_M, minlength=len(key_U))[at_H], label_UT2[at_H])


def _labels(parts: Sequence[IndexedSplit]) -> npt.NDArray[np.bool_]:
    """label_NT2: whether each label is known and 0, and known and 1."""
    is_one_NT = np.concatenate([part.labels_NT for part in parts]) == 1
    known = [
        np.ones(part.labels_NT.shape, np.bool_) if part.observed_NT is None else part.observed_NT for part in parts
    ]
    known_NT = np.concatenate(known)
    return np.stack([known_NT & ~is_one_NT, known_NT & is_one_NT], axis=2)


def _fields(data: IndexedDataset, parts: Sequence[IndexedSplit]) -> Iterator[Keys]:
    """Of every field, a number for each value: the sums of two rows are the same only where all their values are, but
    for chance. A value counts times an odd random number, modulo 2^64; a list by its length, first and last id."""
    rng = np.random.default_rng(0)
    for columns in zip(*(_columns(data, part) for part in parts), strict=True):
        odd = rng.integers(1 << 63, size=len(columns[0]), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        values = (np.concatenate(each) for each in zip(*columns, strict=True))
        yield _sum(value_N.astype(np.uint64) * factor for value_N, factor in zip(values, odd, strict=True))


def _sum(terms: Iterable[Keys]) -> Keys:
    """Modulo 2^64."""
    return reduce(np.add, terms)


def _columns(data: IndexedDataset, split: IndexedSplit) -> Iterator[list[npt.NDArray[np.signedinteger[Any]]]]:
    """The integers that tell each field."""
    for f in range(len(data.fields)):
        yield [split.codes_NF[:, f]]
    if split.numbers_NP is not None:
        for p in range(split.numbers_NP.shape[1]):
            number_N = np.asarray(split.numbers_NP[:, p]) + np.float32(0)  # -0 is 0
            yield [np.where(np.isnan(number_N), np.int32(-1), number_N.view(np.int32))]
    if split.begin_NG is not None and split.length_NG is not None:
        for g, id_M in enumerate(data.values):
            length_N = np.asarray(split.length_NG[:, g])
            ends_N2 = np.full((len(length_N), 2), -1, np.int64)
            some_K = np.flatnonzero(length_N)
            first_K = np.asarray(split.begin_NG[:, g])[some_K]
            ends_N2[some_K] = id_M[np.stack([first_K, first_K + length_N[some_K] - 1], axis=1)]
            yield [length_N, *ends_N2.T]
