"""A run that dies goes on from its last checkpoint to the very numbers of one that did not."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import EVALUATION, TRAIN
from support.training import checkpoints_of, often_due, train_here

from harness.base.environment import environment
from harness.base.owner import owner
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.checkpoint import EVERY, FORM, Checkpoints
from harness.engine.trainer import Trainer
from harness.execution import run_job
from harness.execution.launcher import Began, Recorded
from harness.execution.run_job import train
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.keys import run_key
from harness.experiment.specs import PluginSpec, RunSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import ArmId, RunRole, Status
from harness.results.records import Record
from harness.results.run_reader import held, read
from harness.search.job import Job

STRATEGIES = [
    "none",
    "counter_adagrad",
    "id_dropout",
    "mlet",
    "prune_by_importance",
    "cowclip(r=0.001)",
    "l2(scope='all', coupling='decoupled', strength=0.1)+frequency_adaptive_lr",
    "hashing(hashes=2)+reinit",
    "running_mean+return_to_mean",
]
"""One of each kind of state: a table optimiser's, a random stream's, the network's, row buffers'; and compositions.

That every strategy goes on from any step to the same records is a check of conformance.
"""


class Killed(Exception):
    """Stands for a kill -9."""


@pytest.fixture(autouse=True)
def _often_due(monkeypatch: pytest.MonkeyPatch) -> None:
    often_due(monkeypatch)


def job_of(registry: Registry, strategy: str) -> Job:
    model = PluginSpec(name="dnn", params={"dim": 4, "hidden": (16, 8)})
    train = TRAIN.model_copy(update={"epochs": 3})
    parts = parse_strategy(strategy, registry)
    spec = RunSpec(
        dataset=PluginSpec(name="powerlaw"), model=model, strategy=parts, train=train, evaluation=EVALUATION, seed=1
    )
    key, arm = run_key(spec, "data", registry), ArmId("powerlaw", "dnn", strategy)
    return Job(key, spec, "data", arm, "click", RunRole.SEED, 1)


def die_in(epoch: int) -> Callable[[Record], None]:
    def see(record: Record) -> None:
        if record.epoch == epoch and not record.boundary:
            raise Killed

    return see


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_killed_run_goes_on_to_the_same_bytes(
    strategy: str, dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    job = job_of(registry, strategy)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train_here(job, dataset, registry, whole)
    for epoch in (2, 3):
        with pytest.raises(Killed):
            train_here(job, dataset, registry, broken, die_in(epoch))
        assert Checkpoints(checkpoints_of(job, broken)).records == 2 * (epoch - 1)
    seen: list[Record] = []
    assert train_here(job, dataset, registry, broken, seen.append).status == Status.FINISHED
    paths = [results / "runs" / job.key / "records.jsonl" for results in (whole, broken)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len(seen) == len(paths[0].read_text().splitlines())
    costs = (broken / "runs" / job.key / "costs.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in costs] == [1, 2, 3]
    assert not list(broken.rglob("checkpoint-*"))


def test_a_checkpoint_of_an_epoch_whose_records_were_lost_is_not_used(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    """The scheduler died after the worker had sent the records of two epochs, and before it wrote the last ones."""
    job, runs = job_of(registry, "reinit"), tmp_path / "runs"
    with pytest.raises(Killed):
        train_here(job, dataset, registry, tmp_path, die_in(3))
    path = runs / job.key / "records.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if json.loads(line)["epoch"] == 1))
    assert held(runs, job.key) == 2
    events = train(job, 2, dataset, registry, tmp_path)
    began = next(events)
    assert isinstance(began, Began)
    assert began.kept == 0
    assert began.unused == "it was taken after 4 records, of which 2 are there"
    assert [e.record.epoch for e in events if isinstance(e, Recorded)] == [1, 1, 2, 2, 3, 3]


def test_records_beyond_the_checkpoint_are_trained_again(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(registry, "reinit")
    save = Checkpoints.save

    def only_early(self: Checkpoints, state: dict[str, Any]) -> None:
        if self.records < 2:
            save(self, state)

    monkeypatch.setattr(Checkpoints, "save", only_early)
    with pytest.raises(Killed):
        train_here(job, dataset, registry, tmp_path, die_in(3))
    assert held(tmp_path / "runs", job.key) == 5
    train_here(job, dataset, registry, tmp_path)
    train_here(job, dataset, registry, tmp_path / "whole")
    paths = [results / "runs" / job.key / "records.jsonl" for results in (tmp_path, tmp_path / "whole")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_run_names_every_machine_whose_work_is_in_it_and_no_other(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(registry, "none")

    def on(machine: str, see: Callable[[Record], None] = lambda _: None) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setattr(run_job, "environment", lambda: {"machine": machine})
            if machine == "too short":
                patch.setattr(Checkpoints, "due", lambda self: False)
            with suppress(Killed):
                train_here(job, dataset, registry, tmp_path, see)
        return [env["machine"] for env in read(tmp_path / "runs", job.key).environments]

    assert on("first", die_in(1)) == ["first"]
    assert Checkpoints(checkpoints_of(job, tmp_path)).records == 0, "it is in the middle of the first epoch"
    on("too short", die_in(1))
    assert on("second", die_in(2)) == ["first", "second"]
    assert on("second", die_in(3)) == ["first", "second"]
    assert on("first") == ["first", "second", "first"]
    assert read(tmp_path / "runs", job.key).env["owner"] == owner()


def test_a_run_that_begins_anew_names_its_machine_alone(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(registry, "none")
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(run_job, "environment", lambda: {"machine": "first"})
        train_here(job, dataset, registry, tmp_path, die_in(2))
    (checkpoint,) = checkpoints_of(job, tmp_path).glob("checkpoint-*")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    assert [env["machine"] for env in train_here(job, dataset, registry, tmp_path).environments] == [
        environment()["machine"]
    ]


NAMES = {
    *("tables.store", "tables.state_reset_step_R", "tables.numbers.epoch", "tables.numbers.step"),
    *("tables.numbers.rows_touched", "tables.numbers._frozen", "tables.parts._initial", "tables.parts.row_buffer"),
    *("tables.parts.run_buffer", "tables.parts.history", "tables.parts._absence", "optimizer.kept", "random.cpu"),
}
"""What form 1 of a checkpoint has of a trainer, beside the parts of its net."""


def names(state: dict[str, Any], before: tuple[str, ...] = ()) -> set[str]:
    """Of all parts, three deep."""
    found = set[str]()
    for name, value in state.items():
        inner = isinstance(value, dict) and len(before) < 2
        found |= names(value, (*before, name)) if inner else {".".join((*before, name))}
    return {name for name in found if not name.startswith("net.")}


def test_a_restored_trainer_is_the_same_to_the_last_tensor(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    spec = job_of(registry, STRATEGIES[-3]).spec
    strategies = strategies_of(spec.strategy, registry)
    model = build(registry.models, "model", "dnn", spec.model.params)
    trainers = [Trainer(dataset, model, strategies, spec.train, seed=1) for _ in range(2)]
    trainers[0].start_epoch(1)
    for batch in trainers[0].batches.epoch(1):
        trainers[0].step(batch)
    trainers[0].tables.row_buffer("importance").add_(2.0)
    saved = Checkpoints(tmp_path)
    saved.save(trainers[0].state())
    trainers[1].restore(Checkpoints(tmp_path).take())
    for trainer in trainers:
        trainer.start_epoch(2)
        for batch in trainer.batches.epoch(2):
            trainer.step(batch)
    states = [torch.utils._pytree.tree_leaves(t.state()) for t in trainers]
    assert len(states[0]) == len(states[1]) > 20
    assert names(trainers[0].state()) == NAMES, "another form: raise FORM in harness/engine/checkpoint.py"
    for a, b in zip(*states, strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("damaged", ["checkpoint-*.pt", "records.jsonl", "costs.jsonl"])
def test_a_run_that_cannot_go_on_starts_again(
    damaged: str, dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    job = job_of(registry, "reinit")
    with pytest.raises(Killed):
        train_here(job, dataset, registry, tmp_path, die_in(2))
    (path,) = tmp_path.rglob(damaged)
    path.write_bytes(path.read_bytes()[:20] + b"\n")
    assert train_here(job, dataset, registry, tmp_path).status == Status.FINISHED
    train_here(job, dataset, registry, tmp_path / "whole")
    paths = [results / "runs" / job.key / "records.jsonl" for results in (tmp_path, tmp_path / "whole")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_is_never_trained_on(tmp_path: Path, seed: int) -> None:
    Checkpoints(tmp_path).save({"weights": torch.zeros(2000), "epoch": 1})
    (path,) = tmp_path.iterdir()
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    path.write_bytes(data)
    found = Checkpoints(tmp_path)
    assert (found.part, found.records) == (0, 0)
    assert found.unused.startswith("it is damaged: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("form", "version"), [(None, "an earlier"), (FORM - 1, "an earlier"), (FORM + 1, "a later")])
def test_what_another_version_has_written_is_not_called_damaged(
    form: int | None, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = torch.save

    def written(held: dict[str, Any], path: Path) -> None:
        saved({name: value for name, value in {**held, "form": form}.items() if value is not None}, path)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", written)
        Checkpoints(tmp_path).save({"epoch": 1})
    found = Checkpoints(tmp_path)
    assert (found.part, found.records) == (0, 0)
    assert found.unused == f"it was written by {version} version of multiepoch, in another form"
    assert not list(tmp_path.iterdir())


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(state: Any, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", full)
    job = job_of(registry, "none")
    assert train_here(job, dataset, registry, tmp_path).status == Status.FINISHED
    assert not list(tmp_path.rglob("checkpoint-*"))


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = Checkpoints(tmp_path)
    saved.records = 3
    saved.save({"epoch": 1})

    def killed(state: Any, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise Killed

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(Killed):
        saved.save({"epoch": 2})
    assert len(list(tmp_path.iterdir())) == 2
    found = Checkpoints(tmp_path)
    assert (found.records, found.take()) == (3, {"epoch": 1})
    assert len(list(tmp_path.iterdir())) == 1, "what was half written is gone"


@pytest.mark.parametrize(("cost", "apart"), [(0.5, EVERY), (9.0, 180.0)])
def test_saving_takes_at_most_a_twentieth_of_the_time(
    cost: float, apart: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock of its own."""
    monkeypatch.undo()
    now = [0.0]
    monkeypatch.setattr("harness.engine.checkpoint.time.monotonic", lambda: now[0])

    def slow(state: Any, path: Path) -> None:
        path.write_bytes(b"")
        now[0] += cost

    monkeypatch.setattr(torch, "save", slow)
    saved = Checkpoints(tmp_path)
    for _ in range(3):
        begun = now[0]
        while not saved.due():
            now[0] += 1.0
        assert now[0] - begun >= (apart if begun else EVERY)
        saved.save({})


def test_only_the_latest_checkpoint_is_kept(tmp_path: Path) -> None:
    saved = Checkpoints(tmp_path)
    for epoch in (1, 2):
        saved.records += 2
        saved.save({"epoch": epoch})
    assert [p.name.rpartition("-")[0] for p in tmp_path.iterdir()] == ["checkpoint-2-4"]
    assert Checkpoints(tmp_path).take() == {"epoch": 2}
