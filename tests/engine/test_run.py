"""The loop: repeatable to the bit, undisturbed by its evaluations, and in the documented order."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import EVALUATION, TRAIN, store, strategy_of, train_records
from torch import Tensor, nn
from torch.nn import functional

from harness.api import Data, DenseSpec, FieldStats, Model, RowStep, Strategy, Tables, UserError
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.engine import epochs, memory
from harness.engine import run as run_module
from harness.engine.batch import Batch
from harness.engine.evaluator import Evaluator
from harness.engine.kernels import MOST
from harness.engine.run import Diverged
from harness.engine.trainer import Trainer, loss_and_gradient
from harness.experiment.specs import EvalSpec
from harness.metrics import classification
from harness.metrics.catalog import BUCKETS
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey
from harness.results.records import Record

LOG: list[Any] = []


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()


@pytest.fixture
def none(registry: Registry) -> Strategy:
    return strategy_of(registry, "none")


def epoch_steps(trainer: Trainer, epoch: int) -> Iterator[Batch]:
    """The batches of an epoch, as the loop takes them."""
    trainer.start_epoch(epoch)
    yield from trainer.batches.epoch(epoch)


def fit(dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], epochs: int = 2) -> Trainer:
    """A trainer after some epochs without any evaluation."""
    trainer = Trainer(dataset, model, strategies, TRAIN, seed=0)
    for epoch in range(1, epochs + 1):
        for batch in epoch_steps(trainer, epoch):
            trainer.step(batch)
        trainer.end_epoch(epoch)
    return trainer


# --- repeatable -------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_records_to_the_bit(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    first = train_records(dataset, model, [none], seed=3)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    assert train_records(dataset, model, [none], seed=3) == first
    other = train_records(dataset, model, [none], seed=4)
    metric = MetricKey("sample", "logloss", "click")
    assert all(a.metrics[metric] != b.metrics[metric] for a, b in zip(first, other, strict=True))


class Forgetful(Model):
    """A net that draws from torch's global stream."""

    name = "forgetful"

    def width(self, tasks: int) -> int:
        return 4

    def network(self, fields: int, tasks: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4 * fields, tasks))


def test_dropout_is_part_of_the_seed_and_not_of_the_evaluations(dataset: IndexedDataset, none: Strategy) -> None:
    first = train_records(dataset, Forgetful(), [none], seed=3)
    torch.manual_seed(99)
    torch.rand(5)
    assert train_records(dataset, Forgetful(), [none], seed=3) == first
    often = EVALUATION.model_copy(update={"points": (0.2, 0.6)})
    assert train_records(dataset, Forgetful(), [none], seed=3, evaluation=often)[-1] == first[-1]


def test_a_run_leaves_the_global_random_streams_alone(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    before, numpy_before = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    train_records(dataset, model, [none])
    assert torch.equal(torch.get_rng_state(), before)
    assert str(np.random.get_state()) == numpy_before  # noqa: NPY002


def test_a_seed_moves_the_net_the_tables_and_the_order(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    trainers = [Trainer(dataset, model, [none], TRAIN, seed) for seed in (0, 1)]
    weights = [next(t.net.parameters()).detach() for t in trainers]
    assert not torch.equal(*weights)
    assert not torch.equal(trainers[0].tables.weight_RD, trainers[1].tables.weight_RD)
    first = [next(epoch_steps(trainer, 1)).rows.rows_BC for trainer in trainers]
    assert not torch.equal(*first)


STRATEGIES: list[list[tuple[str, dict[str, Any]]]] = [
    [("none", {})],
    [("frequency_adaptive_lr", {})],
    [("l2", {"scope": "all", "coupling": "decoupled", "strength": 0.1}), ("frequency_adaptive_lr", {})],
    [("hashing", {"hashes": 2}), ("reinit", {})],
]


@pytest.mark.parametrize("parts", STRATEGIES, ids=lambda parts: "+".join(name for name, _ in parts))
def test_numbers_do_not_depend_on_when_they_are_evaluated(
    parts: list[tuple[str, dict[str, Any]]], dataset: IndexedDataset, model: Model, registry: Registry
) -> None:
    strategies = [strategy_of(registry, name, **params) for name, params in parts]
    often, seldom = (
        train_records(dataset, model, strategies, evaluation=EVALUATION.model_copy(update={"points": points}))
        for points in ((0.1, 0.2, 0.5, 0.9), ())
    )
    assert [r.metrics for r in often if r.boundary] == [r.metrics for r in seldom]


def test_batches_of_evaluation_do_not_change_ranks_or_training(
    dataset: IndexedDataset, model: Model, none: Strategy
) -> None:
    small, large = (
        train_records(dataset, model, [none], evaluation=EVALUATION.model_copy(update={"batch_size": size}))
        for size in (7, 10_000)
    )
    for a, b in zip(small, large, strict=True):
        assert a.metrics.keys() == b.metrics.keys()
        # float32 products may round differently by batch shape, the trained weights may not
        assert all(math.isclose(v, b.metrics[k], rel_tol=1e-3, abs_tol=1e-3) for k, v in a.metrics.items())


# --- learning ---------------------------------------------------------------------------------------------------------


def test_training_loss_falls_and_beats_chance(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    records = [r for r in train_records(dataset, model, [none], epochs=4) if r.boundary]
    for task in dataset.tasks:
        losses = [r.metrics[MetricKey.parse(f"train/logloss/{task}")] for r in records]
        assert losses == sorted(losses, reverse=True)
    assert (
        records[-1].metrics[MetricKey.parse("train/ne/click")]
        < 1
        < 1 / records[-1].metrics[MetricKey.parse("train/auc/click")] * 2
    )
    assert records[0].metrics[MetricKey.parse("valid/auc/click")] > 0.6


def test_each_epoch_trains_every_example_once(dataset: IndexedDataset, model: Model) -> None:
    class Count(Strategy):
        name = "count"

        def on_rows(self, step: RowStep) -> RowStep:
            return step

    trainer = Trainer(dataset, model, [Count()], TRAIN, seed=0)
    for epoch in (1, 2):
        for batch in epoch_steps(trainer, epoch):
            trainer.step(batch)
        assert torch.equal(trainer.tables.history.seen_R, epoch * trainer.mapping.train_count_R)


def test_the_loss_is_a_sum_over_tasks_of_the_mean_over_known_labels() -> None:
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.standard_normal((20, 3), np.float32))
    labels = rng.integers(0, 2, (20, 3)).astype(np.uint8)
    known = rng.random((20, 3)) < 0.4
    known[:, 2] = False
    labels_BT, known_BT = torch.from_numpy(labels).float(), torch.from_numpy(known).float()
    leaf = logits.clone().requires_grad_()
    expected = torch.zeros(())
    for t in (0, 1):
        at = known[:, t]
        expected = expected + functional.binary_cross_entropy_with_logits(leaf[at, t], labels_BT[at, t])
    expected.backward()  # type: ignore[no-untyped-call]
    loss, gradient = loss_and_gradient(logits, labels_BT, known_BT)
    assert loss.sum().item() == pytest.approx(expected.item(), rel=1e-5)
    assert leaf.grad is not None
    assert torch.allclose(gradient, leaf.grad, rtol=1e-5, atol=1e-8)
    for masked, plain in zip(
        loss_and_gradient(logits, labels_BT, torch.ones_like(known_BT)),
        loss_and_gradient(logits, labels_BT, None),
        strict=True,
    ):
        assert torch.allclose(masked, plain, rtol=1e-5, atol=1e-8)


def test_a_loss_that_ranks_learns_another_net_that_ranks(dataset: IndexedDataset, model: Model) -> None:
    auc = {}
    for loss in ("logloss", "in_batch_softmax"):
        last = train_records(dataset, model, [], loss=loss)[-1].metrics
        auc[loss] = [last[MetricKey("train", "auc", task)] for task in dataset.tasks]
        assert min(auc[loss]) > 0.6
    assert auc["logloss"] != auc["in_batch_softmax"]


# --- hooks ------------------------------------------------------------------------------------------------------------


def note(*event: Any) -> None:
    LOG.append(event)


class Diary(Strategy):
    """Writes down when its hooks are called."""

    name = "diary"

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        note("start", epoch)

    def on_epoch_end(self, epoch: int, tables: Tables) -> None:
        note("end", epoch)

    def on_rows(self, step: RowStep) -> RowStep:
        note("train", step.epoch)
        return step

    def dense(self, spec: DenseSpec, epoch: int) -> DenseSpec:
        note("dense", epoch)
        return spec


def test_an_epoch_is_trained_evaluated_recorded_and_only_then_ended(
    dataset: IndexedDataset, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noted(Evaluator):
        def __call__(self, net: nn.Module, tables: Any, *, full: bool) -> dict[MetricKey, float]:
            note("evaluate", full)
            return super().__call__(net, tables, full=full)

    monkeypatch.setattr(epochs, "Evaluator", Noted)
    for record in run_module.run(dataset, model, [Diary()], TRAIN, EVALUATION, 0):
        note("record", record.epoch)
    order = [event for before, event in zip([None, *LOG], LOG, strict=False) if event != before]
    expected = []
    for e in (1, 2):
        expected += [("dense", e), ("start", e), ("train", e), ("evaluate", False), ("record", e)]
        expected += [("train", e), ("evaluate", True), ("record", e), ("end", e)]
    assert order == expected


def test_reinitialising_at_a_boundary_never_spoils_its_evaluation(
    dataset: IndexedDataset, model: Model, none: Strategy, registry: Registry
) -> None:
    plain, redrawn = (train_records(dataset, model, [s]) for s in (none, strategy_of(registry, "reinit")))
    assert plain[:2] == redrawn[:2]
    assert (
        plain[2].metrics[MetricKey.parse("sample/logloss/click")]
        != redrawn[2].metrics[MetricKey.parse("sample/logloss/click")]
    )


def test_nothing_a_strategy_sees_or_training_computes_depends_on_validation_data(
    dataset: IndexedDataset, model: Model
) -> None:
    class Watch(Strategy):
        name = "watch"

        def encoder(self, stats: FieldStats, rng: np.random.Generator) -> None:
            LOG.append((stats.name, stats.ids_U.tobytes(), stats.count_U.tobytes()))

        def on_rows(self, step: RowStep) -> RowStep:
            LOG.append((step.seen_max_F.tolist(), step.train_max_F.tolist(), step.seen_K.sum().item()))
            return step

    trainers = []
    logs = []
    for changed in (dataset, swap_validation(dataset)):
        LOG.clear()
        trainers.append(fit(changed, model, [Watch()], epochs=1))
        logs.append(list(LOG))
    assert logs[0] == logs[1]
    assert torch.equal(trainers[0].tables.store, trainers[1].tables.store)
    for a, b in zip(trainers[0].net.parameters(), trainers[1].net.parameters(), strict=True):
        assert torch.equal(a, b)


def swap_validation(dataset: IndexedDataset) -> IndexedDataset:
    """The same training data with other validation and test examples, labels and all."""
    other = dataset.train.take(np.arange(50))
    other = dataclasses.replace(other, labels_NT=1 - other.labels_NT)
    return dataclasses.replace(dataset, valid=other, test=other)


def test_a_frozen_net_stays_to_the_bit_while_the_tables_move(dataset: IndexedDataset, model: Model) -> None:
    class Freeze(Strategy):
        name = "freeze"

        def dense(self, spec: DenseSpec, epoch: int) -> DenseSpec:
            return dataclasses.replace(spec, frozen=epoch == 2)

    trainer = Trainer(dataset, model, [Freeze()], TRAIN, seed=0)
    states = []
    for epoch in (1, 2, 3):
        for batch in epoch_steps(trainer, epoch):
            trainer.step(batch)
        states.append([p.detach().clone() for p in (*trainer.net.parameters(), trainer.tables.weight_RD)])
    same = [[torch.equal(a, b) for a, b in zip(*pair, strict=True)] for pair in ((states[0], states[1]), states[1:])]
    assert same[0] == [True] * (len(states[0]) - 1) + [False]
    assert not any(same[1])


def test_the_dense_learning_rate_is_asked_for_every_epoch_and_folded(dataset: IndexedDataset, model: Model) -> None:
    class Halve(Strategy):
        name = "halve"

        def dense(self, spec: DenseSpec, epoch: int) -> DenseSpec:
            return dataclasses.replace(spec, lr=spec.lr / (2 * epoch))

    trainer = Trainer(dataset, model, [Halve(), Halve()], TRAIN, seed=0)
    for epoch in (1, 2):
        trainer.start_epoch(epoch)
        assert trainer.optimizer.lr == pytest.approx(TRAIN.dense_lr / (2 * epoch) ** 2)


def test_penalties_add_to_the_gradient_of_the_embeddings_and_not_to_the_reported_loss(
    dataset: IndexedDataset, model: Model, none: Strategy
) -> None:
    class Shrink(Strategy):
        name = "shrink"

        def penalty(self, embedded_NFD: Tensor) -> Tensor:
            return 0.5 * embedded_NFD.square().sum()

    class Silent(Strategy):
        name = "silent"

        def penalty(self, embedded_NFD: Tensor) -> Tensor | None:
            return None

    spec = TRAIN.model_copy(update={"table_optimizer": "sgd", "table_lr": 1e-3})
    plain, shrunk = (Trainer(dataset, model, s, spec, seed=0) for s in ([none], [Shrink(), Silent(), Shrink()]))
    first = plain.tables.weight_RD.clone()
    batch = next(epoch_steps(plain, 1))
    assert plain.step(batch).item() == shrunk.step(batch).item()
    rows = batch.rows.rows_BC.reshape(-1).long()
    count = torch.bincount(rows, minlength=len(first))
    expected = spec.table_lr * 2 * count[:, None] * first
    assert torch.allclose(plain.tables.weight_RD - shrunk.tables.weight_RD, expected, rtol=1e-4, atol=1e-8)


def test_a_penalty_that_moves_nothing_is_refused(dataset: IndexedDataset, model: Model) -> None:
    class Off(Strategy):
        name = "off"

        def penalty(self, embedded_NFD: Tensor) -> Tensor:
            return torch.zeros(())

    trainer = Trainer(dataset, model, [Off()], TRAIN, seed=0)
    with pytest.raises(UserError, match=r"'off', penalty: returns a number that moves nothing; accepted: .* or None"):
        trainer.step(next(epoch_steps(trainer, 1)))


def test_labels_that_a_hook_edits_are_a_copy_and_those_that_do_not_count_are_not_shown(
    data: Data, model: Model, none: Strategy, tmp_path: Path
) -> None:
    """Of data in which all labels are known, some are not, and some have the weight 0."""
    seen: list[Tensor] = []

    class Writes(Strategy):
        name = "writes"

        def on_embedded(self, embedded_NFD: Tensor, labels_NT: Tensor) -> Tensor:
            seen.append(labels_NT.clone())
            labels_NT.fill_(1)
            return embedded_NFD

    n, tasks = data.train.labels_NT.shape
    at = np.arange(n)
    for name, changes, hidden_N in (
        ("all known", {}, at < 0),
        ("some not", {"observed_NT": np.repeat(at[:, None] % 3 > 0, tasks, axis=1)}, at % 3 == 0),
        ("weighed", {"weight_N": (at % 4).astype(np.float32)}, at % 4 == 0),
    ):
        train = dataclasses.replace(data.train, **changes)
        dataset = store(dataclasses.replace(data, train=train), tmp_path / name)
        runs = [Trainer(dataset, model, [s], TRAIN, seed=0) for s in (none, Writes())]
        seen.clear()
        losses = [[run.step(batch).item() for batch in epoch_steps(run, 1)] for run in runs]
        assert losses[0] == losses[1]
        assert int((torch.cat(seen) < 0).sum()) == tasks * hidden_N.sum()


class Dropout(Model):
    """A net that knows whether it is being trained."""

    name = "dropout"

    def width(self, tasks: int) -> int:
        return 2

    def network(self, fields: int, tasks: int) -> nn.Module:
        return Moody(fields * 2, tasks)


class Moody(nn.Module):
    def __init__(self, inputs: int, tasks: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, tasks)

    def forward(self, embedded_NFD: Tensor) -> Tensor:
        LOG.append((self.training, embedded_NFD.requires_grad))
        out: Tensor = self.linear(embedded_NFD.flatten(1))
        return out


def test_batches_are_trained_in_training_mode_after_every_evaluation(dataset: IndexedDataset, none: Strategy) -> None:
    train_records(dataset, Dropout(), [none])
    assert set(LOG) == {(True, True), (False, False)}
    batches = math.ceil(len(dataset.train) / TRAIN.batch_size)
    assert LOG.count((True, True)) == 2 * batches
    assert LOG[-1] == (False, False)


# --- records ----------------------------------------------------------------------------------------------------------


def test_more_steps_than_32_bits_count_are_refused_before_the_first(
    dataset: IndexedDataset, model: Model, none: Strategy
) -> None:
    trainer = Trainer(dataset, model, [none], TRAIN, 1)
    trainer.tables.step = MOST - 2 * len(trainer.batches)
    assert len([r for r in epochs.Epochs(trainer, EVALUATION).records(range(1, 3)) if r.boundary]) == 2
    assert trainer.tables.step == MOST
    with pytest.raises(UserError, match=r"2,147,483,\d+ optimiser steps; accepted: at most 2,147,483,647, by a larger"):
        next(epochs.Epochs(trainer, EVALUATION).records(range(1, 2)))


def test_records_say_where_they_were_taken(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    batches = math.ceil(len(dataset.train) / TRAIN.batch_size)
    points = (0.001, 0.5, 0.999)
    records = train_records(dataset, model, [none], evaluation=EVALUATION.model_copy(update={"points": points}))
    stops = [1, round(batches / 2), batches]  # a point in the last half batch is the end of the epoch
    assert [r.step for r in records] == [e * batches + s for e in (0, 1) for s in stops]
    assert [r.epoch for r in records] == [1, 1, 1, 2, 2, 2]
    assert [r.boundary for r in records] == [False, False, True] * 2
    assert [r.position for r in records] == pytest.approx([r.step / batches for r in records])
    assert all(bool(r.cost) == r.boundary for r in records)


def splits_of(record: Record) -> set[str]:
    return {str(name).split("/")[0] for name in record.metrics}


def test_boundaries_add_the_full_splits_and_buckets(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    middle, boundary = train_records(dataset, model, [none], epochs=1)
    assert splits_of(middle) == {"sample"}
    buckets = {f"valid@{name}" for name, _ in BUCKETS}
    assert {"sample", "valid", "test", "train"} < splits_of(boundary) <= {"sample", "valid", "test", "train"} | buckets
    assert {k.split for k in boundary.metrics if k.metric == "gauc"} == {"valid", "test"}
    shares = [v for k, v in boundary.metrics.items() if (k.metric, k.task) == ("share", "rows")]
    assert len(shares) >= 4
    assert sum(shares) == pytest.approx(1.0)
    (untested,) = train_records(dataset, model, [none], epochs=1, evaluation=EvalSpec(points=(), test=False))
    assert "test" not in splits_of(untested)


def test_a_sample_as_large_as_the_split_is_the_split(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    (record,) = train_records(dataset, model, [none], epochs=1, evaluation=EvalSpec(points=(), sample=100_000))
    sample = {k: v for k, v in record.metrics.items() if k.split == "sample"}
    assert sample
    assert all(record.metrics[k._replace(split="valid")] == v for k, v in sample.items())


def test_a_cap_evaluates_examples_drawn_at_random_the_same_ones_each_time(
    dataset: IndexedDataset, model: Model, none: Strategy
) -> None:
    trainer = fit(dataset, model, [none], epochs=1)

    def evaluated(most: int | None) -> tuple[Evaluator, dict[MetricKey, float]]:
        evaluator = Evaluator(dataset, trainer.mapping, EVALUATION.model_copy(update={"most": most}))
        return evaluator, evaluator(trainer.net, trainer.tables, full=True)

    (whole, all_of_them), (capped, few) = evaluated(None), evaluated(400)
    assert evaluated(10**9)[1] == all_of_them
    assert evaluated(400)[1] == few
    for part in ("valid", "test"):
        with torch.inference_mode():
            logits_NT, drawn_MT = (each.logits(trainer.net, trainer.tables, part) for each in (whole, capped))
        assert len(drawn_MT) == 400 < len(logits_NT)
        at = {tuple(row): i for i, row in enumerate(logits_NT.round(4).tolist())}
        assert all(tuple(row) in at for row in drawn_MT.round(4).tolist())
        key = MetricKey(part, "logloss", "click")
        largest = np.logaddexp(0.0, np.abs(logits_NT[:, 0])).max()  # of any example's logloss, which is above zero
        assert abs(few[key] - all_of_them[key]) < 5 * largest / 2 / 400**0.5


def test_bucket_metrics_are_those_of_their_examples(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    trainer = fit(dataset, model, [none], epochs=1)
    metrics = Evaluator(dataset, trainer.mapping, EVALUATION)(trainer.net, trainer.tables, full=True)
    rarest = dataset.rarest_count_N(dataset.valid)
    members = {"unseen": rarest == 0, "1": rarest == 1, "2-4": (rarest >= 2) & (rarest <= 4)}
    for name, member in members.items():
        part = dataclasses.replace(dataset, valid=dataset.valid.take(np.flatnonzero(member)))
        alone = Evaluator(part, trainer.mapping, EVALUATION)(trainer.net, trainer.tables, full=True)
        assert metrics[MetricKey.parse(f"valid@{name}/share/rows")] == pytest.approx(member.mean())
        for metric in ("auc", "logloss", "regret", "calibration"):
            key = f"{metric}/click"
            assert metrics[MetricKey.parse(f"valid@{name}/{key}")] == pytest.approx(
                alone[MetricKey.parse(f"valid/{key}")], rel=1e-5
            )


def test_a_task_with_no_known_label_in_a_bucket_is_left_out_there(
    dataset: IndexedDataset, model: Model, none: Strategy
) -> None:
    known_NT = np.ones((len(dataset.valid), len(dataset.tasks)), np.bool_)
    known_NT[dataset.rarest_count_N(dataset.valid) == 0, 1] = False
    partly = dataclasses.replace(dataset, valid=dataclasses.replace(dataset.valid, observed_NT=known_NT))
    record = train_records(partly, model, [none], epochs=1)[-1]
    assert MetricKey("valid", "logloss", "click", "unseen") in record.metrics
    assert MetricKey("valid", "logloss", "add_to_cart", "unseen") not in record.metrics
    assert MetricKey("valid", "logloss", "add_to_cart", "1") in record.metrics


def test_unknown_labels_enter_neither_training_nor_metrics(
    dataset: IndexedDataset, model: Model, none: Strategy
) -> None:
    def hide(split: IndexedSplit, lie: int) -> IndexedSplit:
        known_NT = np.arange(split.labels_NT.size).reshape(split.labels_NT.shape) % 4 > 0
        labels_NT = np.where(known_NT, split.labels_NT, lie).astype(np.uint8)
        return dataclasses.replace(split, labels_NT=labels_NT, observed_NT=known_NT)

    results = []
    for lie in (0, 1):
        train, valid, test = (hide(dataset.split(part), lie) for part in ("train", "valid", "test"))
        hidden = dataclasses.replace(dataset, train=train, valid=valid, test=test)
        results.append(train_records(hidden, model, [none], epochs=1))
    assert results[0] == results[1]
    assert results[0] != train_records(dataset, model, [none], epochs=1)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_is_reported(dataset: IndexedDataset, model: Model, none: Strategy) -> None:
    with pytest.raises(Diverged, match="not a finite number in epoch 1 by step"):
        train_records(dataset, model, [none], dense_lr=1e30)


def test_what_is_no_number_is_named(
    dataset: IndexedDataset, model: Model, none: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a metric, of a run whose own loss is one."""
    monkeypatch.setitem(classification.FUNCTIONS, "brier", lambda predictions: math.nan)
    with pytest.raises(Diverged, match=r"^sample/brier/click is not a finite number in epoch 1 by step \d+ \(nan\)$"):
        train_records(dataset, model, [none], epochs=1)


def test_a_decay_that_would_flip_the_weights_is_refused(
    dataset: IndexedDataset, model: Model, registry: Registry
) -> None:
    l2 = strategy_of(registry, "l2", scope="all", coupling="decoupled", strength=0.1)
    with pytest.raises(UserError, match=r"table lr 20 times decay 0\.1"):
        train_records(dataset, model, [l2], table_lr=20.0)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be forgotten on Linux alone")
def test_a_run_is_not_charged_for_what_its_process_held_before() -> None:
    held = np.ones(40_000_000)
    before = memory.peak_mib()
    del held
    memory.forget_peak()
    assert memory.peak_mib() < before - 200
