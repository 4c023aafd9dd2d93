"""A table's size is known before it is made, and one that does not fit is refused."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from support.engine import TRAIN, strategy_of, train_records

from harness.api import Model, UserError
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import table_memory, trainer
from harness.engine.row_optimizers import OPTIMIZERS
from harness.engine.table_memory import BESIDE, ensure_room, table_bytes
from harness.engine.trainer import Trainer
from harness.plugins.registry import Registry


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_size_is_that_of_the_table(
    dataset: IndexedDataset, model: Model, registry: Registry, optimizer: str
) -> None:
    train = TRAIN.model_copy(update={"table_optimizer": optimizer})
    tables = Trainer(dataset, model, [strategy_of(registry, "none")], train, 1).tables
    rows = len(tables.store)
    assert table_bytes(rows, tables.width, optimizer) == tables.store.nbytes + BESIDE * rows


def test_a_table_that_does_not_fit_is_refused_before_it_is_made(
    dataset: IndexedDataset, model: Model, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_memory, "free_memory", lambda: 50_000)
    monkeypatch.setattr(trainer, "EmbeddingTables", lambda *_: pytest.fail("it was made"))
    with pytest.raises(UserError) as refused:
        train_records(dataset, model, [strategy_of(registry, "none")])
    rows = sum(int((count_V > 0).sum()) + 1 for count_V in dataset.count_V)
    assert str(refused.value).startswith(f"an embedding table of {rows:,} rows of 4 weights, stepped by adam, takes at")
    assert str(refused.value).endswith(f"MiB is free; accepted: {table_memory.SMALLER}")


def test_tables_that_nobody_holds_any_more_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the run before left in circles are collected before a table is refused."""

    class Left:
        def __init__(self) -> None:
            self.circle = self

    gc.disable()
    left = weakref.ref(Left())
    monkeypatch.setattr(table_memory, "free_memory", lambda: 0 if left() else 10_000)
    assert left() is not None
    ensure_room(10, 4, "sgd", torch.device("cpu"))
    gc.enable()
