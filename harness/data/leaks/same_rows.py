"""Rows that are the same in all fields or in all but one, found by numbers made of them, and how their labels agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.estimate import Estimate
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.leaks.tallies import Ints

Keys = npt.NDArray[np.uint64]
PREFIX = np.uint64(64 - 22)
"""Keys with other first bits than all that are looked for need not be looked up."""


class Found(NamedTuple):
    """Of the training rows with the key of each held-out row: how many, and how many labels are 0 and 1."""

    rows_H: Ints
    label_HT2: Ints


def keys_of_fields(data: IndexedDataset, parts: Sequence[IndexedSplit], *, placed: bool = False) -> Iterator[Keys]:
    """Of every field, a number for each value: the sums of two rows are the same only where all their values are, but
    for chance. A value counts times an odd random number, modulo 2^64; a list by its length, first and last id.

    placed: with the time and the group, where rows have these.
    """
    rng = np.random.default_rng(0)
    for columns in zip(*(_columns(data, part, placed=placed) for part in parts), strict=True):
        odd = rng.integers(1 << 63, size=len(columns[0]), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        values = (np.concatenate(each) for each in zip(*columns, strict=True))
        yield summed(value_N.astype(np.uint64) * factor for value_N, factor in zip(values, odd, strict=True))


def summed(terms: Iterable[Keys]) -> Keys:
    """Modulo 2^64."""
    return reduce(np.add, terms)


def _columns(
    data: IndexedDataset, split: IndexedSplit, *, placed: bool
) -> Iterator[list[npt.NDArray[np.signedinteger[Any]]]]:
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
    if placed:
        yield from ([value_N] for value_N in (split.time_N, split.group_N) if value_N is not None)


def agreement(key_H: Keys, own_HT2: npt.NDArray[np.bool_], others_HT2: Ints) -> Estimate | None:
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


def looked_up(key_H: Keys, key_N: Keys, label_NT2: npt.NDArray[np.bool_]) -> Found:
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
    return Found(np.bincount(at_M, minlength=len(key_U))[at_H], label_UT2[at_H])


def known_labels(parts: Sequence[IndexedSplit]) -> npt.NDArray[np.bool_]:
    """label_NT2: whether each label is known and 0, and known and 1."""
    is_one_NT = np.concatenate([part.labels_NT for part in parts]) == 1
    known = [
        np.ones(part.labels_NT.shape, np.bool_) if part.observed_NT is None else part.observed_NT for part in parts
    ]
    known_NT = np.concatenate(known)
    return np.stack([known_NT & ~is_one_NT, known_NT & is_one_NT], axis=2)
