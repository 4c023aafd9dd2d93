"""A step asks a GPU for no answer, which would have the host wait: seen without one, by the definitions in torch.

What a GPU shows and a CPU does not, as copies that wait, is in `test_gpu.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from support.engine import TRAIN, store
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from harness.api import Data, Model
from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.group import Group, apart
from harness.engine.row_optimizers import OPTIMIZERS
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import EvalSpec
from harness.plugins.registry import Registry, build
from harness.testing.kinds import with_kinds
from perf.launches import as_on_a_gpu

REGISTRY = Registry()
ANSWERS = {"_local_scalar_dense", "nonzero", "nonzero_numpy", "masked_select", "_unique2", "unique_dim", "equal"}
"""Operations whose result, or its size, the host must know."""
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}
"""Operations that are so where they are indexed by true and false."""
WAITING = {"stable_rank", "adam_dense", "din"}
"""Strategies, optimisers and models whose step waits."""


class Asked(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what is asked of tensors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.overloadpacket.__name__
        indices = args[1] if name in INDEXED else ()
        if name in ANSWERS or any(isinstance(i, Tensor) and i.dtype == torch.bool for i in indices):
            self.found.add(name)
        return function(*args, **(kwargs or {}))


def asked(trainer: Trainer | Group, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What three steps ask, after the first two of an epoch."""

    def noting(name: str) -> Any:
        original = getattr(Tensor, name)

        def call(*arguments: Any, **named: Any) -> Any:
            noted.found.add(name)
            return original(*arguments, **named)

        return call

    trainer.start_epoch(1)
    with trainer.randomness():
        first, second, *batches = islice(trainer.batches.epoch(1), 5)
        trainer.step(first)
        trainer.step(second)
        with monkeypatch.context() as patched, Asked() as noted:
            for name in ("tolist", "numpy", "cpu"):  # of which a mode sees nothing
                patched.setattr(Tensor, name, noting(name))
            for batch in batches:
                trainer.step(batch)
    return set(noted.found)


def trainers(dataset: IndexedDataset, model: Model, text: str, **spec: Any) -> list[Trainer]:
    strategies = strategies_of(parse_strategy(text, REGISTRY), REGISTRY)
    with as_on_a_gpu():
        return [Trainer(dataset, model, strategies, TRAIN.model_copy(update=spec), seed) for seed in (0, 1)]


@pytest.mark.parametrize("text", [*sorted(REGISTRY.strategies), "l2(scope='all', coupling='decoupled')"])
def test_a_step_of_a_strategy_asks_nothing(
    dataset: IndexedDataset, model: Model, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = trainers(dataset, model, text)
    together = not apart(model, each[0].strategies, [dataset], each[0].train, EvalSpec())
    assert bool(asked(each[1], monkeypatch)) == (text in WAITING)
    if together:
        assert bool(asked(Group(trainers(dataset, model, text)), monkeypatch)) == (text in WAITING)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_of_an_optimizer_asks_nothing(
    dataset: IndexedDataset, model: Model, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = trainers(dataset, model, "none", table_optimizer=optimizer)
    assert bool(asked(each[0], monkeypatch)) == (optimizer in WAITING)


@pytest.mark.parametrize("name", sorted(REGISTRY.models))
def test_a_step_of_a_model_on_fields_of_every_kind_asks_nothing(
    data: Data, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = store(with_kinds(data, seeds.generator(0, "kinds")), tmp_path / "mixed")
    each = trainers(mixed, build(REGISTRY.models, "model", name, {}), "none")
    assert bool(asked(each[0], monkeypatch)) == (name in WAITING)


@pytest.mark.parametrize("ask", [lambda x: x.sum().item(), lambda x: x[x > 0], lambda x: x.tolist(), torch.unique])
def test_what_is_asked_is_seen(
    dataset: IndexedDataset, model: Model, ask: Callable[[Tensor], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainers(dataset, model, "none")[0]
    step = trainer.step
    monkeypatch.setattr(trainer, "step", lambda batch: ask(step(batch)))
    assert asked(trainer, monkeypatch)
