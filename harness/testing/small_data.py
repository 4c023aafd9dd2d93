"""The small data set that plug-ins are tried on, in memory, and how they are trained on it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.api import Data, Model
from harness.base import seeds
from harness.data import indexed
from harness.data.indexed_dataset import IndexedDataset
from harness.data.validation import SPLITS
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import MetricKey
from harness.results.records import Record
from harness.testing.checks import Failed
from harness.testing.kinds import with_kinds

TRAIN = TrainSpec(epochs=2, batch_size=512, dense_lr=3e-3, table_lr=1e-2)
EVALUATION = EvalSpec(points=(0.5,), sample=1000)


def _built(registry: Registry) -> Data:
    cls = registry.datasets["powerlaw"].cls
    return cls(**cls.example or {}).build(seeds.generator(0, "check"))


def small_model(registry: Registry) -> Model:
    """The one that strategies are tried with."""
    return build(registry.models, "model", "dnn", {"dim": 8, "hidden": (32, 16)})


@cache
def small(registry: Registry) -> IndexedDataset:
    return _held(_built(registry))


@cache
def mixed(registry: Registry) -> IndexedDataset:
    """Fields of every kind."""
    return _held(with_kinds(_built(registry), seeds.generator(0, "check", "kinds")))


def _held(data: Data) -> IndexedDataset:
    """Data as the engine reads it, in memory."""
    with tempfile.TemporaryDirectory() as folder:
        indexed.save(data, Path(folder) / "small")
        loaded = indexed.load(Path(folder) / "small")
        splits: dict[str, Any] = {part: loaded.split(part).take(np.arange(len(loaded.split(part)))) for part in SPLITS}
        values = tuple(np.array(code_M) for code_M in loaded.values)
        weights = tuple(None if weight_M is None else np.array(weight_M) for weight_M in loaded.weights)
    return dataclasses.replace(loaded, **splits, values=values, weights=weights)


def written(records: Iterable[Record]) -> str:
    """Records as text, without what they cost."""
    return "\n".join(repr(dataclasses.replace(record, cost={})) for record in records)


def must_learn(records: list[Record]) -> None:
    auc = records[-1].metrics[MetricKey("train", "auc", "click")]
    if auc < 0.52:
        raise Failed(f"train AUC after two epochs is {auc:.3f}; expected above 0.52")
