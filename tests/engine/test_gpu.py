"""On a GPU: what the CPU computes, without waiting in a step, and the same randomness in every run."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch
from support.engine import TRAIN, train_epochs, train_records

from harness.api import Model, Strategy
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.batch import Batch
from harness.engine.group import Group
from harness.engine.group_batches import GroupBatches
from harness.engine.replay import STEADY
from harness.engine.row_optimizers import OPTIMIZERS
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.plugins.registry import Registry, build

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")

REGISTRY = Registry()
DRAWS = {"embedding_dropout", "latent_mixup"}
"""Strategies that draw on the device, whose random numbers are others there than on the CPU."""
WAITS = {"stable_rank", "latent_mixup"}
"""Strategies whose hooks ask the GPU for an answer."""
ARMS = sorted(set(REGISTRY.strategies) - DRAWS)


@pytest.fixture(autouse=True, scope="module")
def _begun() -> None:
    """cuBLAS warns where it is the first to use a GPU, in torch's thread of backward passes once more."""
    x = torch.zeros(8, 8, device="cuda", requires_grad=True)
    with warnings.catch_warnings(action="ignore"):
        (x @ x).sum().backward()  # type: ignore[no-untyped-call]


def parts(text: str) -> tuple[Strategy, ...]:
    return strategies_of(parse_strategy(text, REGISTRY), REGISTRY)


def trained(dataset: IndexedDataset, model: Model, text: str, device: str, **train: object) -> Trainer:
    """After ten steps, an epoch's end and start, and ten more."""
    spec = TRAIN.model_copy(update={"device": device, **train})
    trainer = Trainer(dataset, model, parts(text), spec, seed=0)
    for epoch in (1, 2):
        trainer.start_epoch(epoch)
        with trainer.randomness():
            for batch in itertools.islice(trainer.batches.epoch(epoch), 10):
                trainer.step(batch)
        trainer.end_epoch(epoch)
    return trainer


def near(a: Trainer, b: Trainer) -> None:
    """Equal within rounding, which Adam magnifies where a gradient is next to nothing."""
    weight_RD, other_RD = (each.tables.weight_RD.detach().cpu() for each in (a, b))
    assert weight_RD.shape == other_RD.shape
    moved = (weight_RD - other_RD).norm() / weight_RD.norm()
    assert float(moved) < 1e-3
    for p, q in zip(a.net.parameters(), b.net.parameters(), strict=True):
        torch.testing.assert_close(p.detach().cpu(), q.detach().cpu(), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("text", ARMS)
def test_every_strategy_trains_what_it_trains_on_the_cpu(dataset: IndexedDataset, model: Model, text: str) -> None:
    near(trained(dataset, model, text, "cuda"), trained(dataset, model, text, "cpu"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_table_optimizer_steps_as_on_the_cpu(dataset: IndexedDataset, model: Model, optimizer: str) -> None:
    spec = {"table_optimizer": optimizer}
    near(trained(dataset, model, "none", "cuda", **spec), trained(dataset, model, "none", "cpu", **spec))


@pytest.mark.parametrize("name", sorted(set(REGISTRY.models) - {"din"}))
def test_every_model_has_the_losses_that_it_has_on_the_cpu(dataset: IndexedDataset, name: str) -> None:
    """Losses, as Adam makes much of gradients that are next to nothing, which `esmm` has; `din` wants a sequence."""
    there, here = (losses(dataset, build(REGISTRY.models, "model", name, {}), device) for device in ("cuda", "cpu"))
    assert there == pytest.approx(here, rel=1e-3)


def losses(dataset: IndexedDataset, model: Model, device: str) -> list[float]:
    """Of ten steps."""
    trainer = Trainer(dataset, model, parts("none"), TRAIN.model_copy(update={"device": device}), seed=0)
    trainer.start_epoch(1)
    with trainer.randomness():
        return [trainer.step(batch).item() for batch in itertools.islice(trainer.batches.epoch(1), 10)]


@pytest.mark.parametrize("text", ["none", "hashing(hashes=2)"])
def test_a_gpu_makes_the_batches_that_the_cpu_makes(dataset: IndexedDataset, model: Model, text: str) -> None:
    spec = TRAIN.model_copy(update={"device": "cuda"})
    each = [Trainer(dataset, model, parts(text), spec, seed).batches for seed in (0, 1)]
    assert all(batches.examples is not None for batches in each)
    for found, expected in zip(each[0].epoch(2, 1), each[0].on_cpu(2, 1), strict=True):
        ensure_same(found, expected)
    first_S, on_cpu = (0, int(each[0].examples.num_rows)), torch.device("cpu")  # type: ignore[union-attr]
    there, here = (GroupBatches(each, first_S, device).epoch(1) for device in (torch.device("cuda"), on_cpu))
    for found, expected in zip(there, here, strict=True):
        ensure_same(found, expected)


def ensure_same(there: Batch, here: Batch) -> None:
    assert len(there.tensors) == len(here.tensors)
    assert all(torch.equal(a.cpu(), b.cpu()) for a, b in zip(there.tensors, here.tensors, strict=True))


@pytest.mark.parametrize("name", sorted(STEADY))
def test_what_is_replayed_is_what_the_net_does(dataset: IndexedDataset, name: str) -> None:
    model = build(REGISTRY.models, "model", name, {})
    trainer = Trainer(dataset, model, parts("none"), TRAIN.model_copy(update={"device": "cuda"}), seed=0)
    assert trainer.replayed
    trainer.start_epoch(1)
    for batch in itertools.islice(trainer.batches.epoch(1), 4):
        embedded_BFD = trainer.tables.lookup(batch.rows).embedded_BFD
        loss_T, grad_BFD = (tensor.clone() for tensor in trainer._learn(embedded_BFD, batch))
        found = [p.grad.clone() for p in trainer.net.parameters() if p.grad is not None]
        embedded_BFD.grad = None
        expected_T, expected_BFD = trainer._backward(embedded_BFD, batch)
        expected = [p.grad for p in trainer.net.parameters() if p.grad is not None]
        torch.testing.assert_close([loss_T, grad_BFD, *found], [expected_T, expected_BFD, *expected])
        trainer.optimizer.step()


@pytest.mark.parametrize("text", ["none", "frequency_adaptive_lr", "running_mean+reinit", "freeze_dense"])
def test_runs_that_are_stepped_as_one_end_where_each_ends_alone(
    dataset: IndexedDataset, model: Model, text: str
) -> None:
    def trainers() -> list[Trainer]:
        spec = TRAIN.model_copy(update={"device": "cuda", "dense_lr": 1e-3, "table_lr": 1e-3})
        return [Trainer(dataset, model, parts(text), spec, seed) for seed in (0, 1, 2)]

    together, apart = trainers(), trainers()
    train_epochs(Group(together))
    for one in apart:
        train_epochs(one)
    for a, b in zip(together, apart, strict=True):
        near(a, b)


@pytest.mark.parametrize("text", sorted(REGISTRY.strategies))
def test_a_step_waits_for_nothing(dataset: IndexedDataset, model: Model, text: str) -> None:
    trainer = Trainer(dataset, model, parts(text), TRAIN.model_copy(update={"device": "cuda"}), seed=0)
    trainer.start_epoch(1)
    with trainer.randomness(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        first, second, *batches = itertools.islice(trainer.batches.epoch(1), 12)  # a thread waits while it makes them
        trainer.step(first)
        trainer.step(second)
        torch.cuda.set_sync_debug_mode("warn")
        said.clear()
        for batch in batches:
            trainer.step(batch)
        torch.cuda.set_sync_debug_mode("default")
    assert bool(said) == (text in WAITS), sorted({str(w.filename) + f":{w.lineno}" for w in said})


@pytest.mark.parametrize("text", sorted(DRAWS))
def test_what_is_drawn_on_the_device_depends_on_the_seed_alone(
    dataset: IndexedDataset, model: Model, text: str
) -> None:
    first = trained(dataset, model, text, "cuda")
    torch.cuda.manual_seed(17)
    near(first, trained(dataset, model, text, "cuda"))


def test_a_run_ends_where_it_ends_on_the_cpu(dataset: IndexedDataset, model: Model) -> None:
    for there, here in zip(
        *(train_records(dataset, model, parts("none"), device=device) for device in ("cuda", "cpu")), strict=True
    ):
        assert there.metrics == pytest.approx(here.metrics, rel=2e-3, abs=2e-3)
