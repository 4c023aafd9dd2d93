"""Any data with a field of every other kind beside its own: what a plug-in must be able to train on."""

from __future__ import annotations

import dataclasses

import numpy as np

from harness.api import Data, Generator, Kinds, ListField, Lists, NumberField, Split


def with_kinds(data: Data, rng: Generator) -> Data:
    """The same data with a number, a number in buckets, a weighted list and a sequence.

    The list has ids of its own; the sequence shares the table of the first field, whose ids it repeats. All are noise.
    """
    kinds = Kinds(
        numbers=(NumberField("price", scale="log1p"), NumberField("age", buckets=4)),
        lists=(ListField("tags", longest=3), ListField("history", longest=4, ordered=True)),
        shares={"history": data.fields[0]},
    )
    train, valid, test = (_more(split, rng) for split in (data.train, data.valid, data.test))
    return dataclasses.replace(data, kinds=kinds, train=train, valid=valid, test=test)


def _more(split: Split, rng: Generator) -> Split:
    n = len(split.ids_NF)
    numbers_NP = rng.lognormal(size=(n, 2)).astype(np.float32)
    numbers_NP[rng.random((n, 2)) < 0.1] = np.nan
    length_N, row_N = rng.integers(0, 6, n), np.arange(n)
    past_N = np.minimum(rng.integers(0, 6, n), row_N)
    tags = Lists(rng.integers(0, 30, length_N.sum()), length_N, weight_M=rng.random(length_N.sum()).astype(np.float32))
    history = Lists(rng.permutation(split.ids_NF[:, 0]), past_N, begin_N=row_N - past_N)
    return dataclasses.replace(split, numbers_NP=numbers_NP, lists=(tags, history))
