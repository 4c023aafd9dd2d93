"""Small inputs for the tests of the engine: a tiny data set, and fused tables without one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.api import Data, FieldTable, Generator, Ints, LookupColumn, Model, RowStep, Split, Strategy
from harness.data import indexed
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.columns import Columns
from harness.engine.group import Group
from harness.engine.row_mapping import RowMapping
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.records import Record

TINY = {
    "rows": 6000,
    "users": 1500,
    "products": 800,
    "campaigns": 100,
    "advertisers": 20,
    "categories": 10,
    "click": 0.4,
    "add_to_cart": 0.2,
    "checkout": 0.08,
}


TRAIN = TrainSpec(epochs=2, batch_size=128, dense_lr=0.01, table_lr=0.03)


EVALUATION = EvalSpec(points=(0.3,), sample=300, batch_size=400)


def store(data: Data, folder: Path) -> IndexedDataset:
    """A data set, checked, written and read back."""
    indexed.check(data, "tiny")
    indexed.save(data, folder)
    return indexed.load(folder)


def train_epochs(trainer: Trainer | Group, epochs: int = 2) -> None:
    """Steps alone, without evaluation."""
    for epoch in range(1, epochs + 1):
        trainer.start_epoch(epoch)
        with trainer.randomness():
            for batch in trainer.batches.epoch(epoch):
                trainer.step(batch)
        trainer.end_epoch(epoch)


def make_split(rng: Generator, ids_NF: npt.ArrayLike, **more: Any) -> Split:
    """A split of these ids with two tasks whose labels alternate, so that both classes are there."""
    ids = np.asarray(ids_NF, np.int64)
    labels_NT = np.stack([np.arange(len(ids)) % 2, rng.permutation(np.arange(len(ids)) % 2)], axis=1)
    return Split(ids_NF=ids, labels_NT=labels_NT.astype(np.uint8), **more)


def make_data(train_NF: npt.ArrayLike, valid_NF: npt.ArrayLike, test_NF: npt.ArrayLike | None = None) -> Data:
    """Data of these raw ids; the same array for test as for valid unless given."""
    rng = np.random.default_rng(0)
    parts = [make_split(rng, ids) for ids in (train_NF, valid_NF, valid_NF if test_NF is None else test_NF)]
    return Data(tuple(f"field{f}" for f in range(parts[0].ids_NF.shape[1])), ("click", "buy"), *parts)


def make_mapping(sizes: Sequence[int], hashes: Sequence[int] | None = None) -> RowMapping:
    """Fields of these sizes side by side, with so many looked-up rows per id; row r of a field has r + 1 train ids."""
    hashes = hashes or [1] * len(sizes)
    offsets = np.cumsum([0, *sizes])
    columns = [f for f, h in enumerate(hashes) for _ in range(h)]
    tables = tuple(FieldTable(f"field{f}", int(offsets[f]), n, n) for f, n in enumerate(sizes))
    return RowMapping(
        remap_VH=torch.zeros((0, max(hashes)), dtype=torch.int32),
        fields=tables,
        train_count_R=torch.cat([torch.arange(1, n + 1, dtype=torch.int32) for n in sizes]),
        columns=Columns(
            pick_C=torch.arange(len(columns), dtype=torch.int32),
            slot_C=torch.tensor(columns, dtype=torch.int32),
            of_ids=tuple(LookupColumn(tables[f], f) for f in columns),
            names=tuple(table.name for table in tables),
        ),
    )


def random_rows(rng: Generator, mapping: RowMapping, batch: int) -> Tensor:
    """Fused rows int32 [B, C] of a batch, drawn with many repeats."""
    fields = [column.table for column in mapping.columns.of_ids]
    columns = [f.offset + np.minimum(rng.geometric(0.4, batch) - 1, f.num_rows - 1) for f in fields]
    return torch.from_numpy(np.stack(columns, axis=1).astype(np.int32))


def train_records(
    dataset: IndexedDataset,
    model: Model,
    strategies: Sequence[Strategy],
    *,
    seed: int = 0,
    evaluation: EvalSpec = EVALUATION,
    **train: Any,
) -> list[Record]:
    """All records of a run at the tests' settings, `train` overriding some."""
    return list(run(dataset, model, strategies, TRAIN.model_copy(update=train), evaluation, seed))


def strategy_of(registry: Registry, name: str, **params: Any) -> Strategy:
    return build(registry.strategies, "strategy", name, params)


def id_counts(column_N: Ints) -> dict[int, int]:
    """Raw id -> occurrences, counted one by one."""
    counts: dict[int, int] = {}
    for value in column_N.tolist():
        counts[value] = counts.get(value, 0) + 1
    return counts


def make_step(seed: int, rows: int = 9, fields: int = 3) -> RowStep:
    """A step of random rows; `seen` counts up to a million, the largest of a field being of a row not in the batch."""
    rng = np.random.default_rng(seed)
    field_K = torch.from_numpy(rng.integers(0, fields, rows))
    seen_K, train_K = (torch.from_numpy(np.ceil(10 ** rng.uniform(0, 6, rows)).astype(np.int64)) for _ in range(2))
    buffers: dict[str, Tensor] = {}
    run_buffers: dict[str, Tensor] = {}
    ones_F = torch.ones(fields, dtype=torch.int64)
    return RowStep(
        rows_K=torch.arange(rows),
        field_K=field_K,
        weight_KD=torch.from_numpy(rng.standard_normal((rows, 4), np.float32)),
        grad_KD=torch.from_numpy(rng.standard_normal((rows, 4), np.float32)),
        batch_count_K=torch.ones(rows, dtype=torch.int32),
        seen_K=seen_K,
        train_count_K=train_K,
        last_step_K=torch.zeros(rows, dtype=torch.int32),
        seen_max_F=ones_F.scatter_reduce(0, field_K, seen_K, "amax") * 3,
        train_max_F=ones_F.scatter_reduce(0, field_K, train_K, "amax") * 5,
        examples=32,
        lr=0.02,
        epoch=2,
        step=7,
        row_buffer=lambda name: buffers.setdefault(name, torch.zeros(rows)),
        run_buffer=lambda name: run_buffers.setdefault(name, torch.zeros(1)),
    )
