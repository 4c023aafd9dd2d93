"""On a GPU: what the CPU computes, without waiting in a step, and the same randomness in every run."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch
from support.engine import TRAIN, train_records

from harness.api import Model, Strategy
from harness.data.indexed_dataset import IndexedDataset
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
    """cuBLAS warns where it is the first to use a GPU."""
    _ = torch.zeros(8, 8, device="cuda") @ torch.zeros(8, 8, device="cuda")


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


@pytest.mark.parametrize("text", sorted(REGISTRY.strategies))
def test_a_step_waits_for_nothing(dataset: IndexedDataset, model: Model, text: str) -> None:
    trainer = Trainer(dataset, model, parts(text), TRAIN.model_copy(update={"device": "cuda"}), seed=0)
    trainer.start_epoch(1)
    with trainer.randomness(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        order = trainer.batches.epoch(1)
        for batch in itertools.islice(order, 3):
            trainer.step(batch)
        torch.cuda.set_sync_debug_mode("warn")
        said.clear()
        for batch in itertools.islice(order, 10):
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
