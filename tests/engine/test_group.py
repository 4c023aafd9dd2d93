"""Runs that are stepped as one come to what each comes to alone, within rounding; what cannot be is refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import EVALUATION, TRAIN, store, train_epochs
from torch import Tensor, nn

from harness.api import Data, Model, RowStep, Strategy, Tables, UserError
from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.batch import Batch
from harness.engine.checkpoint import Checkpoints
from harness.engine.epochs import Diverged
from harness.engine.group import Group, apart
from harness.engine.group_batches import GroupBatches
from harness.engine.group_run import Member, run_group
from harness.engine.resident import Examples
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import ContinualSpec, EvalSpec, StartSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.records import Record
from harness.testing.kinds import with_kinds
from harness.testing.resumed import resumed

REGISTRY = Registry()
SEEDS = (0, 1, 2)
SHORT = TRAIN.model_copy(update={"batch_size": 512})
SLOW = SHORT.model_copy(update={"dense_lr": 1e-3, "table_lr": 1e-3})
"""At rates of ten times as much Adam makes a large step of a gradient that is all rounding, as nets at rest have."""
APART = {"embedding_dropout": "on_embedded", "latent_mixup": "on_embedded", "id_dropout": "on_lookup"}
"""Strategies whose runs are not stepped as one, and the hook that is the reason."""
STRATEGIES = [
    *sorted(set(REGISTRY.strategies) - set(APART)),
    "l2(scope='all', coupling='decoupled')+hashing(hashes=2)",
    "reinit(share=0.5)",
]
NEAR, RANKED = 1e-5, 2e-3
"""Products of a batch summed in another order differ by some 1e-7 of themselves, which a step passes on. Where a metric
ranks, two examples that nearly tie may change places: in a bucket of some hundred examples that is up to .001."""


def parts(text: str) -> tuple[Strategy, ...]:
    return strategies_of(parse_strategy(text, REGISTRY), REGISTRY)


def of_group(
    dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], train: TrainSpec = SHORT
) -> list[list[Record | Diverged]]:  # fmt: skip
    assert apart(model, strategies, [dataset], train, EVALUATION) == ""
    return list(run_group(members(dataset, model, strategies), train, EVALUATION))


def members(dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy]) -> list[Member]:
    return [Member(dataset, model, strategies, seed) for seed in SEEDS]


def ensure_as_alone(
    dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], train: TrainSpec = SHORT
) -> None:  # fmt: skip
    for seed, found in zip(SEEDS, zip(*of_group(dataset, model, strategies, train), strict=True), strict=True):
        for mine, alone in zip(found, run(dataset, model, strategies, train, EVALUATION, seed), strict=True):
            assert isinstance(mine, Record)
            assert (mine.epoch, mine.step, mine.position) == (alone.epoch, alone.step, alone.position)
            ensure_near(mine, alone)
            assert mine.cost.keys() == alone.cost.keys()


def ensure_near(mine: Record, alone: Record) -> None:
    assert mine.metrics.keys() == alone.metrics.keys()
    for key, value in mine.metrics.items():
        near = RANKED if "auc" in key.metric or key.metric == "oracle_share" else NEAR
        assert value == pytest.approx(alone.metrics[key], rel=near, abs=near), str(key)


@pytest.mark.parametrize("text", STRATEGIES)
def test_every_strategy_comes_to_what_it_comes_to_alone(dataset: IndexedDataset, model: Model, text: str) -> None:
    ensure_as_alone(dataset, model, parts(text))


@pytest.mark.parametrize("name", sorted(set(REGISTRY.models) - {"din", "dnn"}))
def test_every_model_comes_to_what_it_comes_to_alone(dataset: IndexedDataset, name: str) -> None:
    ensure_as_alone(dataset, build(REGISTRY.models, "model", name, {}), parts("none"), SLOW)


@pytest.mark.parametrize(
    "spec",
    [
        *({"table_optimizer": name} for name in ("adam_dense", "adagrad", "rowwise_adagrad", "sgd")),
        {"loss": "in_batch_softmax"},
        {"shuffle_window": 1500},
    ],
    ids=str,
)
def test_every_setting_of_training_comes_to_what_it_comes_to_alone(
    dataset: IndexedDataset, model: Model, spec: dict[str, Any]
) -> None:
    ensure_as_alone(dataset, model, parts("frequency_adaptive_lr"), SLOW.model_copy(update=spec))


def test_fields_of_every_kind_and_unknown_labels_come_to_what_they_come_to_alone(
    data: Data, model: Model, tmp_path: Path
) -> None:
    mixed = with_kinds(data, seeds.generator(0, "kinds"))
    observed_NT = np.random.default_rng(0).random(mixed.train.labels_NT.shape) < 0.8
    mixed = dataclasses.replace(mixed, train=dataclasses.replace(mixed.train, observed_NT=observed_NT))
    ensure_as_alone(store(mixed, tmp_path / "mixed"), model, parts("none"), SLOW)


def test_weights_after_two_epochs_are_those_of_runs_alone(dataset: IndexedDataset, model: Model) -> None:
    group, alone = Group(trainers(dataset, model)), trainers(dataset, model)
    train_epochs(group)
    for each in alone:
        train_epochs(each)
    for mine, other in zip(group.runs, alone, strict=True):
        torch.testing.assert_close(mine.tables.weight_RD, other.tables.weight_RD, rtol=1e-4, atol=1e-6)
        for p, q in zip(mine.net.parameters(), other.net.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)


def test_threads_make_the_batches_for_a_gpu_that_are_made_in_turn_for_a_cpu(
    dataset: IndexedDataset, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batch, "to", lambda self, device: self)
    monkeypatch.setattr(Examples, "fit", lambda self, device, runs: False)
    each = [trainer.batches for trainer in trainers(dataset, model)]
    here, there = (list(GroupBatches(each, (0, 0, 0), torch.device(name)).epoch(1, 3)) for name in ("cpu", "cuda"))
    for mine, other in zip(here, there, strict=True):
        assert torch.equal(mine.rows.inverse_I, other.rows.inverse_I)
        assert torch.equal(mine.labels_BT, other.labels_BT)


def trainers(dataset: IndexedDataset, model: Model, text: str = "none") -> list[Trainer]:
    return [Trainer(dataset, model, parts(text), SHORT, seed) for seed in SEEDS]


@pytest.mark.parametrize("text", ["running_mean+reinit(share=0.5)", "adaptive_regularization+frequency_adaptive_lr"])
def test_a_group_that_is_ended_goes_on_from_any_step_to_the_same_records(
    dataset: IndexedDataset, model: Model, text: str
) -> None:
    def flat(checkpoints: Checkpoints | None = None) -> Iterator[Record]:
        assert checkpoints is not None
        for outcomes in run_group(members(dataset, model, parts(text)), SHORT, EVALUATION, checkpoints):
            yield from (outcome for outcome in outcomes if isinstance(outcome, Record))

    whole = [record for outcomes in of_group(dataset, model, parts(text)) for record in outcomes]
    assert resumed(flat, [1, 2, 7, 5, 3]) == whole


class Poisoned(Strategy):
    """Makes the rows of one run infinite in its second epoch."""

    name = "poisoned"

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch == 2 and type(self).called == 1:
            tables.reset(tables.fields[0], around=torch.tensor(float("inf")))
        if epoch == 2:
            type(self).called += 1

    called = 0


def test_a_run_that_diverges_ends_alone(dataset: IndexedDataset, model: Model) -> None:
    Poisoned.called = 0
    *first, last = of_group(dataset, model, [Poisoned()])
    assert all(isinstance(outcome, Record) for outcomes in first[:2] for outcome in outcomes)
    assert [isinstance(outcome, Diverged) for outcome in last] == [False, True, False]
    assert str(last[1]).startswith("the loss is not a finite number in epoch 2 by step")
    plain = of_group(dataset, model, parts("none"))[-1]
    for mine, other in ((last[s], plain[s]) for s in (0, 2)):
        assert isinstance(mine, Record)
        assert isinstance(other, Record)
        ensure_near(mine, other)


class Drawing(Strategy):
    name = "drawing"

    def on_rows(self, step: RowStep) -> RowStep:
        return step.scale_lr(torch.rand(len(step.rows_K)))


class FreezesOne(Strategy):
    name = "freezes_one"
    called = 0

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        type(self).called += 1
        if type(self).called == 2:
            tables.freeze()


@pytest.mark.parametrize(
    ("strategy", "message"),
    [(Drawing(), "draws random numbers in a step"), (FreezesOne(), "freezes the tables of some seeds alone")],
)
def test_what_would_give_other_numbers_ends_the_group(
    dataset: IndexedDataset, model: Model, strategy: Strategy, message: str
) -> None:
    with pytest.raises(UserError, match=f"{message}; accepted: train.seeds_at_once = 1"):
        of_group(dataset, model, [strategy])


class Noisy(Model):
    name = "noisy"

    def width(self, tasks: int) -> int:
        return 4

    def network(self, fields: int, tasks: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), self.middle(fields * 4), nn.Linear(fields * 4, tasks))

    def middle(self, width: int) -> nn.Module:
        return nn.Dropout()


class Normed(Noisy):
    name = "normed"

    def middle(self, width: int) -> nn.Module:
        return nn.BatchNorm1d(width)


class Asking(nn.Module):
    def forward(self, embedded_NI: Tensor) -> Tensor:
        return embedded_NI if float(embedded_NI.sum()) >= 0 else -embedded_NI


class Branching(Noisy):
    name = "branching"

    def middle(self, width: int) -> nn.Module:
        return Asking()


@pytest.mark.parametrize("name", APART)
def test_a_strategy_that_sees_batches_whole_is_trained_apart(dataset: IndexedDataset, model: Model, name: str) -> None:
    why = apart(model, parts(name), [dataset], SHORT, EVALUATION)
    assert why == f"strategy '{name}' has the hook {APART[name]}"


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (Noisy(), r"torch\.vmap refuses the net of model 'noisy': .*random"),
        (Branching(), r"torch\.vmap refuses the net of model 'branching': "),
        (Normed(), "the net of model 'normed' has buffers$"),
    ],
)
def test_a_net_that_cannot_stand_beside_others_is_trained_apart(
    dataset: IndexedDataset, net: Model, reason: str
) -> None:
    assert re.match(reason, apart(net, parts("none"), [dataset], SHORT, EVALUATION))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("precision", "bf16"),
        ("keep", True),
        ("start", StartSpec(source="x")),
        ("continual", ContinualSpec(windows=3)),
    ],
)
def test_a_setting_that_groups_do_not_have_is_trained_apart(
    dataset: IndexedDataset, model: Model, name: str, value: object
) -> None:
    train = SHORT.model_copy(update={name: value})
    assert apart(model, parts("none"), [dataset], train, EVALUATION) == f"train.{name} is asked for"


def test_data_that_groups_cannot_read_are_trained_apart(
    data: Data, dataset: IndexedDataset, model: Model, tmp_path: Path
) -> None:
    def why(model: Model, *datasets: IndexedDataset, evaluation: EvalSpec = EVALUATION) -> str:
        return apart(model, parts("none"), datasets, SHORT, evaluation)

    mixed = store(with_kinds(data, seeds.generator(0, "kinds")), tmp_path / "mixed")
    shorter = dataclasses.replace(dataset, train=dataset.train.take(slice(0, 100)))
    weight_N = np.linspace(1, 2, len(dataset.train), dtype=np.float32)
    weighted = dataclasses.replace(dataset, train=dataclasses.replace(dataset.train, weight_N=weight_N))
    probed = EVALUATION.model_copy(update={"probes": ("row_norm",)})
    assert why(build(REGISTRY.models, "model", "din", {}), mixed) == "model 'din' reads sequences id by id"
    assert why(model, dataset, shorter) == "the training splits of its seeds are not equally long"
    assert why(model, dataset, weighted) == "examples have weights"
    assert why(model, dataset, evaluation=probed) == "evaluation.probes are asked for"
