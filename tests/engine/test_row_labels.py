"""Labels are counted by row as one counts them by hand, on fields of every kind."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from support.engine import TRAIN, store

from harness.api import Data, Model
from harness.base import seeds
from harness.engine import row_labels as module
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.plugins.registry import Registry
from harness.testing.kinds import with_kinds

REGISTRY = Registry()


@pytest.mark.parametrize("kinds", [False, True])
@pytest.mark.parametrize("text", ["none", "hashing(hashes=2)", "low_frequency_filter"])
def test_rows_are_counted_by_label(
    data: Data, model: Model, text: str, kinds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 1000)
    found = store(with_kinds(data, seeds.generator(0, "kinds")) if kinds else data, tmp_path / "data")
    trainer = Trainer(found, model, strategies_of(parse_strategy(text, REGISTRY), REGISTRY), TRAIN, seed=0)
    known_RT, positive_RT = (tensor.numpy() for tensor in trainer.tables.label_counts())
    expected = np.zeros((2, *known_RT.shape), np.int64)
    for batch in trainer.batches.epoch(1):
        known_BT = np.ones(batch.labels_BT.shape) if batch.known_BT is None else batch.known_BT.numpy()
        positive_BT = batch.labels_BT.numpy() * known_BT
        for b, c in np.argwhere(batch.rows.rows_BC.numpy() >= 0):
            row = batch.rows.rows_BC[b, c]
            expected[0, row] += known_BT[b].astype(int)
            expected[1, row] += positive_BT[b].astype(int)
    assert np.array_equal(known_RT, expected[0])
    assert np.array_equal(positive_RT, expected[1])
    assert positive_RT.sum() > 0


def test_labels_of_examples_that_do_not_count_are_not_counted(data: Data, model: Model, tmp_path: Path) -> None:
    """Whatever they are; other weights make no difference."""
    weight_N = np.resize(np.array([0.0, 1.0, 3.0], np.float32), len(data.train.labels_NT))
    found = []
    for flip in (0, 1):
        labels_NT = np.where(weight_N[:, None] == 0, data.train.labels_NT ^ flip, data.train.labels_NT)
        train = dataclasses.replace(data.train, weight_N=weight_N, labels_NT=labels_NT)
        dataset = store(dataclasses.replace(data, train=train), tmp_path / str(flip))
        found.append(Trainer(dataset, model, [], TRAIN, seed=0).tables.label_counts())
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][0].sum() == (weight_N > 0).sum() * len(data.fields) * len(data.tasks)


def test_tables_without_labels_say_so(data: Data, model: Model, tmp_path: Path) -> None:
    trainer = Trainer(store(data, tmp_path / "data"), model, [], TRAIN, seed=0)
    bare = EmbeddingTables(trainer.mapping, trainer.tables.spec, 4, [], seed=0)
    with pytest.raises(ValueError, match="without labels"):
        bare.label_counts()
