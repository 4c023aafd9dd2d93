"""A net that says it is steady does the same operations with every batch, so that they can be recorded once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.api import Model
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.network import network_of, plain_columns
from harness.engine.replay import STEADY, replayable
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.plugins.registry import Registry, build

REGISTRY = Registry()


class Told(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes each operation, and the shapes that it is given."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[object] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        shapes = [tuple(a.shape) if isinstance(a, torch.Tensor) else a for a in args if not isinstance(a, list | tuple)]
        self.operations.append((str(function), shapes))
        return function(*args, **(kwargs or {}))


def operations(net: torch.nn.Module, embedded_BFD: torch.Tensor) -> list[object]:
    """Of a forward and backward pass."""
    net.zero_grad()
    with Told() as told:
        net(embedded_BFD).sum().backward()
    return list(told.operations)


@pytest.mark.parametrize("name", sorted(STEADY))
def test_a_steady_net_does_the_same_with_every_batch_and_draws_nothing(dataset: IndexedDataset, name: str) -> None:
    model = build(REGISTRY.models, "model", name, {})
    columns = plain_columns(model, dataset)
    net, width = network_of(model, columns, len(dataset.tasks))
    net.train()
    random = torch.get_rng_state()
    shape = (32, columns.vectors, width)
    first = operations(net, torch.zeros(shape, requires_grad=True))
    assert torch.equal(random, torch.get_rng_state())
    assert operations(net, torch.randn(shape, requires_grad=True)) == first
    assert operations(net, torch.full(shape, 1e4, requires_grad=True)) == first


@pytest.mark.parametrize(
    ("text", "precision", "device", "expected"),
    [
        ("none", "fp32", "cpu", False),
        ("none", "fp32", "cuda", True),
        ("running_mean+return_to_mean", "fp32", "cuda", True),
        ("none", "bf16", "cuda", False),
        ("mlet", "fp32", "cuda", False),
        ("latent_mixup", "fp32", "cuda", False),
        ("embedding_dropout", "fp32", "cuda", False),
    ],
)
def test_what_is_replayed(model: Model, text: str, precision: str, device: str, expected: bool) -> None:
    strategies = strategies_of(parse_strategy(text, REGISTRY), REGISTRY)
    assert replayable(model, strategies, precision, torch.device(device)) == expected


def test_a_model_that_says_nothing_is_not_replayed() -> None:
    class Mine(Model):
        name = "mine"

    class Steady(Mine):
        steady = True

    assert not replayable(Mine(), [], "fp32", torch.device("cuda"))
    assert replayable(Steady(), [], "fp32", torch.device("cuda"))
