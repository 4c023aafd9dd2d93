"""Products in bfloat16: near float32, of the net in training alone, and repeatable."""

from __future__ import annotations

import pytest
import torch
from support.engine import TRAIN, strategy_of, train_records

from harness.api import Model
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.trainer import Trainer
from harness.experiment.specs import TrainSpec
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey

BF16 = TRAIN.model_copy(update={"precision": "bf16"})
ROUNDED = 2.0**-8
"""Relative error of a number in bfloat16."""


def _stepped(dataset: IndexedDataset, model: Model, spec: TrainSpec) -> Trainer:
    """A trainer after its first step."""
    trainer = Trainer(dataset, model, [], spec, seed=0)
    trainer.start_epoch(1)
    trainer.step(next(trainer.batches.epoch(1)))
    return trainer


def test_a_first_gradient_is_that_of_float32_but_for_rounding(dataset: IndexedDataset, model: Model) -> None:
    exact, rounded = (_stepped(dataset, model, spec) for spec in (TRAIN, BF16))
    for name, parameter in rounded.net.named_parameters():
        expected = exact.net.get_parameter(name).grad
        assert parameter.grad is not None
        assert expected is not None
        error = float((parameter.grad - expected).norm() / expected.norm())
        assert 0 < error < 4 * ROUNDED
    exact_grad, grad = exact.last_lookup.embedded_BFD.grad, rounded.last_lookup.embedded_BFD.grad
    assert exact_grad is not None
    assert grad is not None
    assert 0 < float((grad - exact_grad).norm() / exact_grad.norm()) < 4 * ROUNDED


def test_all_that_is_kept_and_evaluated_is_float32(dataset: IndexedDataset, model: Model) -> None:
    trainer = _stepped(dataset, model, BF16)
    with torch.inference_mode():
        logits_BT = trainer.net(trainer.last_lookup.embedded_BFD)
    kept = [*trainer.net.state_dict().values(), trainer.tables.store, trainer.last_lookup.embedded_BFD, logits_BT]
    assert {tensor.dtype for tensor in kept} == {torch.float32}


@pytest.mark.parametrize("strategy", ["none", "latent_mixup", "mlet"])
def test_a_run_learns_as_much(dataset: IndexedDataset, model: Model, registry: Registry, strategy: str) -> None:
    strategies = [strategy_of(registry, strategy)]
    exact, rounded, again = (
        train_records(dataset, model, strategies, precision=precision) for precision in ("fp32", "bf16", "bf16")
    )
    assert rounded == again
    for metric, tolerance in (("auc", 0.02), ("logloss", 0.02)):
        key = MetricKey("valid", metric, "click")
        assert rounded[-1].metrics[key] != exact[-1].metrics[key]
        assert rounded[-1].metrics[key] == pytest.approx(exact[-1].metrics[key], abs=tolerance)
