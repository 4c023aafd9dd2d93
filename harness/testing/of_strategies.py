"""What every strategy must do: learn with every model, repeat, be neutral where it says so, compose, and go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from harness.api import Model, Strategy
from harness.base import seeds
from harness.base.plugin import knobs
from harness.base.words import counted
from harness.engine.checkpoint import Checkpoints
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.plugins.registry import Registry
from harness.results.records import Record
from harness.testing.another_process import AnotherProcess
from harness.testing.checks import Checks, Failed
from harness.testing.resumed import attempts
from harness.testing.small_data import EVALUATION, TRAIN, mixed, must_learn, small, small_model, written


def strategy_checks(cls: type[Strategy], model: Model, registry: Registry, another: AnotherProcess) -> Checks:
    none = registry.strategies["none"].cls()

    @cache
    def plain() -> list[Record]:
        """A run that several checks look at."""
        return _train(registry, model, cls())

    composed = cache(lambda: _train(registry, model, none, cls(), none))

    def learns() -> None:
        must_learn(plain())

    def repeats() -> None:
        if composed() != plain() and _train(registry, model, cls()) != plain():
            raise Failed("two runs with the same seed differ")

    def neutral() -> str | None:
        values = {name: knob.neutral for name, knob in knobs(cls).items() if knob.neutral is not None}
        if not values:
            return "declares no neutral values"
        if _train(registry, model, cls(**values)) != _none(registry, model):
            raise Failed(f"with neutral values {values} it differs from none")
        return None

    def composes() -> None:
        if composed() != plain():
            raise Failed("it changes when composed with none")

    return {
        "trains two epochs and learns": learns,
        "trains every model": lambda: _trains_every_model(cls, registry),
        "gives the same records twice": repeats,
        "equals none, bit for bit, at neutral values": neutral,
        "composes": composes,
        "goes on from any step to the same records": lambda: _resumes(cls, model, registry, plain(), another),
    }


def _resumes(
    cls: type[Strategy], model: Model, registry: Registry, whole: list[Record], another: AnotherProcess
) -> None:
    """Ended after steps that its name decides, and gone on with in another process."""
    steps = 2 * -(-len(small(registry).train) // TRAIN.batch_size)
    first, second = seeds.generator(0, "check", "ends", cls.name).integers(1, steps, 2).tolist()
    with TemporaryDirectory() as folder:
        begun, _ = attempts(partial(_run, registry, model, [cls()]), [first], Path(folder))
        rest = another.ask("strategy", cls.name, folder=folder, end=second)
    if rest != written(whole[len(begun) :]) or written(begun) != written(whole[: len(begun)]):
        told = f"told to end after {counted(first, 'step')}, then {second}"
        raise Failed(f"{told}, it goes on in another process to other records")


def went_on(registry: Registry, name: str, folder: str, end: int) -> str:
    """The records of a run that was begun in another process. A run of another seed comes before it, as in a worker."""
    model, cls = small_model(registry), registry.strategies[name].cls
    next(_run(registry, model, [cls()], seed=1))
    return written(attempts(partial(_run, registry, model, [cls()]), [end, None], Path(folder))[0])


def _trains_every_model(cls: type[Strategy], registry: Registry) -> None:
    """Two steps of two epochs with each, on fields of every kind, to a finite loss."""
    for entry in registry.models.values():
        trainer = Trainer(mixed(registry), entry.cls(), [cls()], TRAIN, seed=0)
        for epoch in (1, 2):
            trainer.start_epoch(epoch)
            losses = [trainer.step(batch) for batch in islice(trainer.batches.epoch(epoch), 2)]
            if not torch.isfinite(torch.stack(losses)).all():
                raise Failed(f"the loss with model '{entry.cls.name}' is not finite")
            trainer.end_epoch(epoch)


def _train(registry: Registry, model: Model, *strategies: Strategy) -> list[Record]:
    return [dataclasses.replace(r, cost={}) for r in _run(registry, model, strategies)]


def _run(
    registry: Registry, model: Model, strategies: Sequence[Strategy], checkpoints: Checkpoints | None = None,
    seed: int = 0,
) -> Iterator[Record]:  # fmt: skip
    return run(small(registry), model, strategies, TRAIN, EVALUATION, seed, checkpoints)


@cache
def _none(registry: Registry, model: Model) -> list[Record]:
    return _train(registry, model, registry.strategies["none"].cls())
