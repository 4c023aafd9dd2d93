"""The arms beside the floor: published winners, trained again on a draw, and what they tell of its test rows."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from harness.base.places import ROOT
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluator import Evaluator
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import EvalSpec, PluginSpec, TrainSpec
from harness.plugins.registry import Registry, build

TASK = "click"
PRESETS: dict[str, dict[str, Any]] = {"avazu_like": {}, "pinterest_like": {"rows": 1_000_000}, "criteo_like": {}}
"""With the rows of the plan that the winners are from."""
WINNERS = {"avazu_like": "draws", "pinterest_like": "pinterest", "criteo_like": "draws"}
"""Preset -> the published table that its winners are from."""
OURS = "running_mean+return_to_mean"
READ = {
    ("none", "one_epoch"): {1: "plain, epoch 1", 2: "plain, epoch 2"},
    ("reinit", "arm"): {4: "reinit, epoch 4"},
    (OURS, "arm"): {1: "ours, epoch 1", 4: "ours, epoch 4"},
}
"""By strategy and role in WINNERS: the epochs after which it is read, and the titles of their columns."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """A draw of a preset, and the truth and the labels of its test rows, [N]."""

    data: IndexedDataset
    truth_N: Floats
    label_N: Floats


@dataclass(frozen=True)
class Arm:
    """A strategy with its winner's knobs. read: epoch -> the title of its column."""

    strategy: str
    rates: dict[str, float]
    read: dict[int, str]


@contextmanager
def drawn(preset: str, number: int, registry: Registry, **params: Any) -> Iterator[Drawn]:
    """A draw of a preset, on disk until the end. params: of the data set, in the place of those of PRESETS."""
    with tempfile.TemporaryDirectory() as folder:
        spec = PluginSpec(name="powerlaw", params={"preset": preset, **PRESETS[preset], **params})
        data = indexed.load(data_folder(Path(folder), build_data(spec, number, registry, Path(folder))))
        t, truth_NT = data.tasks.index(TASK), data.test.truth_NT
        assert truth_NT is not None
        yield Drawn(data, truth_NT[:, t].astype(float), data.test.labels_NT[:, t].astype(float))


def winners(preset: str) -> list[Arm]:
    """The arms of READ with the knobs that won on a preset."""
    found = {}
    with (ROOT / "results" / "tables" / f"{WINNERS[preset]}.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["dataset"] == preset and (row["strategy"], row["role"]) in READ:
                found[row["strategy"], row["role"]] = json.loads(row["chosen"])
    return [_arm(strategy, found[strategy, role], read) for (strategy, role), read in READ.items()]


def _arm(strategy: str, chosen: dict[str, Any], read: dict[int, str]) -> Arm:
    knobs: dict[str, list[str]] = {part: [] for part in strategy.split("+")}
    for name, value in chosen.items():
        part, dot, knob = name.partition(".")
        if dot:
            knobs[part].append(f"{knob}={value!r}")
    expression = "+".join(f"{part}({', '.join(given)})" if given else part for part, given in knobs.items())
    return Arm(expression, {k: v for k, v in chosen.items() if k in TrainSpec.model_fields}, read)


def trainer_of(data: IndexedDataset, arm: Arm, registry: Registry, seed: int = 1) -> Trainer:
    """What trains an arm until the last epoch that is read."""
    model = build(registry.models, "model", "dnn", {"dim": 16, "hidden": (64, 32)})
    strategies = strategies_of(parse_strategy(arm.strategy, registry), registry)
    spec = TrainSpec.model_validate({"epochs": max(arm.read), "batch_size": 2048, **arm.rates})
    return Trainer(data, model, strategies, spec, seed)


def trained(
    data: IndexedDataset,
    arm: Arm,
    registry: Registry,
    after: Callable[[int, float, Trainer], None] | None = None,
    *,
    seed: int = 1,
) -> Iterator[tuple[int, Trainer]]:
    """The state after every epoch, before strategies end it. after: told the epoch and the share of it, each step."""
    trainer = trainer_of(data, arm, registry, seed)
    for epoch in range(1, trainer.train.epochs + 1):
        trainer.start_epoch(epoch)
        with trainer.randomness():
            for step, batch in enumerate(trainer.batches.epoch(epoch), 1):
                trainer.step(batch)
                if after:
                    after(epoch, step / len(trainer.batches), trainer)
        yield epoch, trainer
        trainer.end_epoch(epoch)


def probabilities(evaluator: Evaluator, trainer: Trainer, split: str, tables: EmbeddingTables | None = None) -> Floats:
    """Of every row of a split, [N]. tables: what the net reads, if not the trainer's."""
    trainer.net.eval()
    with torch.inference_mode():
        logit_NT = evaluator.logits(trainer.net, tables or trainer.tables, split)
    trainer.net.train()
    found: Floats = expit(logit_NT[:, trainer.dataset.tasks.index(TASK)].astype(float))
    return found


def predictions(data: IndexedDataset, arm: Arm, registry: Registry) -> Iterator[tuple[str, Floats]]:
    """The probabilities of the test rows, [N], after each epoch that is read."""
    for epoch, trainer in trained(data, arm, registry):
        if epoch in arm.read:
            evaluator = Evaluator(data, trainer.mapping, EvalSpec())
            yield arm.read[epoch], probabilities(evaluator, trainer, "test")
