"""What every model must do: give logits of the right shape, and learn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from harness.api import Model, Positions
from harness.engine.checkpoint import Checkpoints
from harness.engine.run import run
from harness.plugins.registry import Registry
from harness.results.records import Record
from harness.testing.another_process import AnotherProcess
from harness.testing.checks import Checks, Failed
from harness.testing.resumed import attempts
from harness.testing.small_data import EVALUATION, TRAIN, mixed, must_learn, small, written

END = 5
"""Steps after which a run is told to end."""


def model_checks(cls: type[Model], registry: Registry, another: AnotherProcess) -> Checks:
    @cache
    def whole() -> list[Record]:
        return list(_train(registry, cls))

    def learns() -> None:
        must_learn(whole())

    def repeats() -> None:
        if written(_train(registry, cls)) != written(whole()):
            raise Failed("two runs with the same seed differ")

    def goes_on() -> None:
        with TemporaryDirectory() as folder:
            first, _ = attempts(partial(_train, registry, cls), [END], Path(folder))
            if another.ask("model", cls.name, folder=folder) != written(whole()[len(first) :]):
                raise Failed(f"told to end after {END} steps, it goes on in another process to other records")

    return {
        "maps [N, F, D] to [N, T]": lambda: _maps(cls),
        "learns": learns,
        "gives the same records twice": repeats,
        "goes on from a step to the same records": goes_on,
    }


def _maps(cls: type[Model]) -> None:
    model, (n, fields, tasks) = cls(), (5, 3, 2)
    embedded = torch.randn(n, fields, model.width(tasks), requires_grad=True)
    if cls.reads_sequences():
        sequence = Positions("history", first=1, longest=2, target=0)
        logits = model.sequence_network(fields, tasks, [sequence])(embedded, torch.tensor([[0], [1], [2], [2], [1]]))
    else:
        logits = model.network(fields, tasks)(embedded)
    if logits.shape != (n, tasks):
        raise Failed(f"gives logits of shape {tuple(logits.shape)}; expected {(n, tasks)}")
    logits.sum().backward()
    if embedded.grad is None or not embedded.grad.any():
        raise Failed("no gradient reaches the embeddings")


def went_on(registry: Registry, name: str, folder: str) -> str:
    """The records of a run that was begun in another process. A run of another seed comes before it, as in a worker."""
    cls = registry.models[name].cls
    next(_train(registry, cls, seed=1))
    return written(attempts(partial(_train, registry, cls), [None], Path(folder))[0])


def _train(
    registry: Registry, cls: type[Model], checkpoints: Checkpoints | None = None, seed: int = 0
) -> Iterator[Record]:
    data = mixed(registry) if cls.reads_sequences() else small(registry)
    return run(data, cls(), [], TRAIN, EVALUATION, seed, checkpoints)
