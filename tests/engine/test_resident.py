"""Batches that a GPU makes are those that the CPU makes, bit for bit: seen on a CPU, as the operations are the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from harness.api import Data
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.engine import resident as module
from harness.engine.batch import Batch
from harness.engine.batches import Batches
from harness.engine.group_batches import GroupBatches
from harness.engine.resident import Resident, resident
from harness.engine.row_mapping import map_rows
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.plugins.registry import Registry

CPU = torch.device("cpu")
REGISTRY = Registry()


def drawn(seed: int, rows: int, fields: int, ids: int, *, known: bool, weighted: bool) -> IndexedDataset:
    """Examples of so many fields with a vocabulary each."""
    rng = np.random.default_rng(seed)
    codes_NF = (rng.integers(0, ids, (rows, fields)) + np.arange(fields) * ids).astype(np.int32)
    split = IndexedSplit(
        codes_NF,
        rng.integers(0, 2, (rows, 2)).astype(np.uint8),
        rng.random((rows, 2)) < 0.7 if known else None,
        None,
        None,
        None,
        weight_N=rng.random(rows).astype(np.float32) if weighted else None,
    )
    count = np.ones(ids, np.int64)
    names = tuple(f"f{f}" for f in range(fields))
    return IndexedDataset(names, ("click", "buy"), (np.arange(ids),) * fields, (count,) * fields, split, split, split)


def batches_of(data: IndexedDataset, batch: int, seed: int, strategy: str = "none", window: int = 1 << 20) -> Batches:
    strategies = strategies_of(parse_strategy(strategy, REGISTRY), REGISTRY)
    return Batches(data.train, map_rows(data, strategies, seed), batch, window, seed, CPU, strategies)


def made(each: Sequence[Batches], epoch: int, done: int) -> Iterator[Batch]:
    examples = [batches.examples for batches in each]
    assert all(one is not None for one in examples)
    maker = Resident([one for one in examples if one], CPU)
    return chain.from_iterable(maker.batches([batches.order(epoch, done) for batches in each]))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    return bool(a == b)


@given(
    st.integers(0, 99), st.integers(2, 90), st.integers(1, 4), st.integers(1, 40), st.integers(1, 50),
    st.integers(0, 2),
    st.booleans(), st.booleans(), st.sampled_from(["none", "hashing(ratio=0.5, hashes=2, min_ids=1)"]),
)  # fmt: skip
def test_batches_of_a_run(
    seed: int, rows: int, fields: int, ids: int, batch: int, done: int, known: bool, weighted: bool, strategy: str
) -> None:
    batches = batches_of(drawn(seed, rows, fields, ids, known=known, weighted=weighted), batch, seed, strategy)
    if done >= len(batches):
        return
    for epoch in (1, 2):
        for found, expected in zip(made([batches], epoch, done), batches.epoch(epoch, done), strict=True):
            assert same(found, expected)


@given(st.integers(0, 99), st.integers(2, 60), st.integers(1, 30), st.integers(1, 40), st.booleans())
def test_batches_of_several_runs(seed: int, rows: int, ids: int, batch: int, known: bool) -> None:
    each = [
        batches_of(drawn(run, rows, 3, ids + run, known=known, weighted=False), batch, seed + run) for run in range(3)
    ]
    first_S = (0, 3 * (ids + 1), 3 * (2 * ids + 3))
    for found, expected in zip(made(each, 1, 0), GroupBatches(each, first_S, CPU).epoch(1), strict=True):
        assert same(found, expected)


@pytest.mark.parametrize(("notes", "most"), [(0, 1), (59, 1), (60, 2), (10**9, 8)])
def test_as_many_batches_are_made_at_once_as_notes_of_rows_have_room(
    monkeypatch: pytest.MonkeyPatch, notes: int, most: int
) -> None:
    monkeypatch.setattr(module, "NOTES", notes)
    batches = batches_of(drawn(0, 200, 3, 9, known=True, weighted=True), 8, 0)
    assert batches.examples is not None
    assert batches.examples.num_rows == 30
    lists = list(Resident([batches.examples], CPU).batches([batches.order(1)]))
    assert [len(several) for several in lists] == [most] * (25 // most) + [25 % most] * (25 % most > 0)
    for found, expected in zip(chain.from_iterable(lists), batches.epoch(1), strict=True):
        assert same(found, expected)
    for several in lists:
        held = [{tensor.untyped_storage().data_ptr() for tensor in batch.tensors} for batch in several]
        assert all(each == held[0] for each in held)


def test_what_is_made_of_more_than_single_ids_is_not_made_there(data: Data) -> None:
    plain = drawn(0, 100, 2, 9, known=True, weighted=True)
    assert batches_of(plain, 8, 0).examples is not None
    assert batches_of(plain, 8, 0, "id_dropout").examples is None


def test_examples_that_do_not_fit_are_left_here(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = batches_of(drawn(0, 100, 2, 9, known=False, weighted=False), 8, 0).examples
    assert examples is not None
    size = 100 * (2 * 4 + 2)
    for free, runs, fits in ((4 * size, 1, True), (4 * size - 1, 1, False), (4 * size, 2, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, 0))
        assert (resident([examples] * runs, CPU) is not None) == fits
    assert resident([examples, None], CPU) is None
