"""Batches: every example once per epoch, with its own labels, in an order that is random over the whole split."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.base.errors import UserError
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.engine import batches as module
from harness.engine.batches import Batches, DistinctFinder
from harness.engine.row_mapping import RowMapping, map_rows

BLOCK = 8


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", BLOCK)


def numbered(size: int, *, masked: bool = False) -> tuple[IndexedSplit, RowMapping]:
    """Examples whose code is their position, labelled and masked by its bits."""
    at = np.arange(size)
    labels_NT = np.stack([at % 2, at // 2 % 2], axis=1).astype(np.uint8)
    observed_NT = np.stack([at % 3 > 0, at % 5 > 0], axis=1) if masked else None
    split = IndexedSplit(at.astype(np.int32)[:, None], labels_NT, observed_NT, None, None, None)
    data = IndexedDataset(("id",), ("click", "buy"), (at,), (np.ones(size, np.int64),), split, split, split)
    return split, map_rows(data, [], 0)


def batches_of(size: int, batch: int, window: int, seed: int = 0, *, masked: bool = False) -> Batches:
    return Batches(*numbered(size, masked=masked), batch, window, seed, torch.device("cpu"))


def positions(batches: Batches, epoch: int) -> list[list[int]]:
    return [(b.rows.rows_BC[:, 0] - 1).tolist() for b in batches.epoch(epoch)]  # row 0 is the unknown id's


@given(st.integers(1, 100), st.integers(1, 30), st.integers(1, 120), st.booleans())
def test_an_epoch_holds_every_example_once_with_its_own_labels(
    size: int, batch: int, window: int, masked: bool
) -> None:
    batches = batches_of(size, batch, window, masked=masked)
    split, _ = numbered(size, masked=masked)
    for epoch in (1, 2):
        found = list(batches.epoch(epoch))
        assert len(found) == len(batches)
        assert max(len(b.labels_BT) for b in found) <= batch
        at = torch.cat([b.rows.rows_BC[:, 0] for b in found]).numpy() - 1
        assert sorted(at) == list(range(size))
        assert np.array_equal(torch.cat([b.labels_BT for b in found]).numpy(), split.labels_NT[at])
        for b in found:
            known = None if split.observed_NT is None else split.observed_NT[b.rows.rows_BC[:, 0].numpy() - 1]
            assert (b.known_BT is None) == (known is None)
            assert b.known_BT is None or known is None or np.array_equal(b.known_BT.numpy(), known)


def test_epochs_and_seeds_have_orders_of_their_own_and_repeat() -> None:
    orders = [positions(batches_of(90, 10, w, seed), e) for w in (32, 90) for seed in (0, 1) for e in (1, 2)]
    assert len({str(o) for o in orders}) == len(orders)
    assert positions(batches_of(90, 10, 32, 1), 2) == orders[3]


def test_a_window_is_whole_blocks_from_anywhere_and_its_examples_are_mixed() -> None:
    size, window = 40 * BLOCK, 4 * BLOCK
    batches = batches_of(size, window, window)
    first_blocks: Counter[int] = Counter()
    for epoch in range(200):
        for held in positions(batches, epoch):
            blocks = Counter(p // BLOCK for p in held)
            assert set(blocks.values()) == {BLOCK}
            assert len({p // BLOCK for p in held[:BLOCK]}) > 1
        first_blocks[positions(batches, epoch)[0][0] // BLOCK] += 1
    # 200 draws from 40 blocks: a share of 5 each, and each below 5 + 5 * sqrt(5)
    assert len(first_blocks) > 30
    assert max(first_blocks.values()) < 5 + 5 * 5**0.5


def test_a_split_that_fits_a_window_is_shuffled_as_a_whole() -> None:
    batches = batches_of(5 * BLOCK, BLOCK, 5 * BLOCK)
    # P(an example lands in the first of 5 batches) = 1/5; 400 epochs, five standard errors
    landed = sum(0 in positions(batches, epoch)[0] for epoch in range(400))
    assert abs(landed / 400 - 0.2) < 5 * (0.2 * 0.8 / 400) ** 0.5


def test_windows_hold_no_more_than_they_may(tmp_path: Any) -> None:
    split, mapping = numbered(100)
    np.save(tmp_path / "codes.npy", split.codes_NF)
    mapped = dataclasses.replace(split, codes_NF=np.load(tmp_path / "codes.npy", mmap_mode="r"))
    batches = Batches(mapped, mapping, 10, 3 * BLOCK, 0, torch.device("cpu"))
    assert len(batches._ids_WC) == len(batches._labels_WT) == 3 * BLOCK
    assert sorted(p for batch in positions(batches, 1) for p in batch) == list(range(100))


def test_releasing_mapped_memory_loses_nothing(dataset: IndexedDataset) -> None:
    before = {name: np.array(getattr(dataset.train, name)) for name in ("codes_NF", "labels_NT")}
    dataset.train.release()
    assert all(np.array_equal(getattr(dataset.train, name), value) for name, value in before.items())


def test_a_batch_of_more_lookups_than_32_bits_count_is_refused() -> None:
    with pytest.raises(UserError, match=r"a batch looks up 2,147,483,648 ids; accepted: at most 2,147,483,647"):
        DistinctFinder(1)(torch.zeros((1, 1), dtype=torch.int32).expand(1 << 20, 1 << 11))
