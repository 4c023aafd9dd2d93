"""A run that dies goes on from its last checkpoint to the very numbers of one that did not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.engine import EVALUATION, TRAIN

from harness.data.indexed import IndexedDataset
from harness.engine import checkpoint
from harness.engine.checkpoint import Checkpoints
from harness.engine.trainer import Trainer
from harness.execution.run_job import execute
from harness.experiment.instantiate import parse_strategy
from harness.experiment.plan import PluginSpec, RunSpec
from harness.plugins.registry import Registry, build
from harness.results.records import Record

STRATEGIES = [
    *sorted(Registry().strategies),
    "cowclip(r=0.001)",
    "l2(scope='all', coupling='decoupled', strength=0.1)+frequency_adaptive_lr",
    "hashing(hashes=2)+reinit",
    "running_mean+return_to_mean",
]


class Killed(Exception):
    """Stands for a kill -9."""


@pytest.fixture(autouse=True)
def _always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(Checkpoints, "due", lambda self: True)


def spec_of(registry: Registry, strategy: str) -> RunSpec:
    model = PluginSpec(name="dnn", params={"dim": 4, "hidden": (16, 8)})
    train = TRAIN.model_copy(update={"epochs": 3})
    parts = parse_strategy(strategy, registry)
    return RunSpec(
        dataset=PluginSpec(name="powerlaw"), model=model, strategy=parts, train=train, evaluation=EVALUATION, seed=1
    )


def die_in(epoch: int) -> Any:
    def report(record: Record) -> None:
        if record.epoch == epoch and not record.boundary:
            raise Killed

    return report


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_killed_run_goes_on_to_the_same_bytes(
    strategy: str, dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    spec = spec_of(registry, strategy)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    execute(spec, "key", dataset, registry, whole, lambda record: None)
    for epoch in (2, 3):
        with pytest.raises(Killed):
            execute(spec, "key", dataset, registry, broken, die_in(epoch))
        assert Checkpoints(broken / "runs" / "key").epoch == epoch - 1
    told: list[Record] = []
    assert execute(spec, "key", dataset, registry, broken, told.append) == ("finished", "")
    paths = [results / "runs" / "key" / "records.jsonl" for results in (whole, broken)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len(told) == len(paths[0].read_text().splitlines())
    epochs = [json.loads(line)["epoch"] for line in (broken / "runs" / "key" / "costs.jsonl").read_text().splitlines()]
    assert epochs == [1, 2, 3]
    assert not list(broken.rglob("checkpoint*"))


def test_a_restored_trainer_is_the_same_to_the_last_tensor(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    spec = spec_of(registry, STRATEGIES[-3])
    strategies = tuple(build(registry.strategies, "strategy", s.name, s.params) for s in spec.strategy)
    model = build(registry.models, "model", "dnn", spec.model.params)
    trainers = [Trainer(dataset, model, strategies, spec.train, seed=1) for _ in range(2)]
    trainers[0].start_epoch(1)
    for batch in trainers[0].batches.epoch(1):
        trainers[0].step(batch)
    trainers[0].tables.row_buffer("importance").add_(2.0)
    saved = Checkpoints(tmp_path)
    saved.save(1, trainers[0].state())
    trainers[1].restore(Checkpoints(tmp_path).take())
    for trainer in trainers:
        trainer.start_epoch(2)
        for batch in trainer.batches.epoch(2):
            trainer.step(batch)
    states = [torch.utils._pytree.tree_leaves(t.state()) for t in trainers]
    assert len(states[0]) == len(states[1]) > 20
    for a, b in zip(*states, strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("damaged", ["checkpoint-1.pt", "records.jsonl", "costs.jsonl"])
def test_a_run_that_cannot_go_on_starts_again(
    damaged: str, dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    spec, folder = spec_of(registry, "reinit"), tmp_path / "runs" / "key"
    with pytest.raises(Killed):
        execute(spec, "key", dataset, registry, tmp_path, die_in(2))
    path = folder / damaged
    path.write_bytes(path.read_bytes()[:20] + b"\n")
    assert execute(spec, "key", dataset, registry, tmp_path, lambda record: None) == ("finished", "")
    execute(spec, "key", dataset, registry, tmp_path / "whole", lambda record: None)
    assert (folder / "records.jsonl").read_bytes() == (tmp_path / "whole/runs/key/records.jsonl").read_bytes()


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(state: Any, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", full)
    spec = spec_of(registry, "none")
    assert execute(spec, "key", dataset, registry, tmp_path, lambda record: None) == ("finished", "")
    assert not list(tmp_path.rglob("checkpoint*"))


def test_only_the_latest_checkpoint_is_kept(tmp_path: Path) -> None:
    saved = Checkpoints(tmp_path)
    for epoch in (1, 2):
        saved.save(epoch, {"epoch": epoch})
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-2.pt"]
    assert Checkpoints(tmp_path).take() == {"epoch": 2}
