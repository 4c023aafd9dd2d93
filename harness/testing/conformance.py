"""Conformance: what every plug-in must do, tried on a small data set. `multiepoch check` and the tests run it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.api import Data, Dataset, Model, Positions, Strategy
from harness.base import seeds
from harness.base.errors import unknown
from harness.base.plugin import knobs
from harness.data import indexed
from harness.data.indexed import SPLITS, IndexedDataset
from harness.engine.checkpoint import Checkpoints
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Entry, Registry, build
from harness.results.keys import MetricKey
from harness.results.records import Record
from harness.testing.kinds import with_kinds
from harness.testing.resumed import resumed

TRAIN = TrainSpec(epochs=2, batch_size=512, dense_lr=3e-3, table_lr=1e-2)
EVALUATION = EvalSpec(points=(0.5,), sample=1000)


Checks = dict[str, Callable[[], str | None]]


class Failed(Exception):
    """A plug-in does not do what it must."""


@dataclass(frozen=True)
class Verdict:
    """One check of one plug-in. outcome: passed, failed or skipped, with its reason."""

    kind: str
    plugin: str
    check: str
    outcome: str
    reason: str = ""


def conformance(registry: Registry, names: Sequence[str] = ()) -> Iterator[Verdict]:
    """Every check of the plug-ins named, or of all.

    Raises:
        UserError: there is no plug-in of that name.
    """
    dnn = build(registry.models, "model", "dnn", {"dim": 8, "hidden": (32, 16)})
    everything: list[tuple[str, Entry[Any], Checks]] = [
        ("data set", entry, _dataset_checks(entry.cls)) for entry in registry.datasets.values()
    ]
    everything += [("model", entry, _model_checks(entry.cls, registry)) for entry in registry.models.values()]
    everything += [("strategy", e, _strategy_checks(e.cls, dnn, registry)) for e in registry.strategies.values()]
    known = [entry.cls.name for _, entry, _ in everything]
    for name in names:
        if name not in known:
            raise unknown("plug-in", name, known)
    for kind, entry, checks in everything:
        if not names or entry.cls.name in names:
            yield from _verdicts(kind, entry, checks)


def _verdicts(kind: str, entry: Entry[Any], checks: Checks) -> Iterator[Verdict]:
    checks = {"is documented": lambda: _documented(entry)} | checks
    for check, body in checks.items():
        try:
            skipped = body()
        except Exception as error:
            reason = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            yield Verdict(kind, entry.cls.name, check, "failed", reason)
        else:
            yield Verdict(kind, entry.cls.name, check, "skipped" if skipped else "passed", skipped or "")


def _documented(entry: Entry[Any]) -> None:
    if not (entry.source.lstrip().startswith(('"""', "'''", 'r"""')) or entry.cls.__dict__.get("__doc__")):
        raise Failed(f"{entry.path.name} has no docstring; say what it does and where it comes from")


def _dataset_checks(cls: type[Dataset]) -> Checks:
    example = cls.example

    def version() -> None:
        if not isinstance(getattr(cls, "version", None), int):
            raise Failed("has no integer version")

    def builds() -> str | None:
        if example is None:
            return "no example parameters: it needs a file"
        indexed.check(cls(**example).build(seeds.generator(0, "check")), cls.name)
        return None

    def repeats() -> str | None:
        if example is None:
            return "no example parameters: it needs a file"
        first, second = (cls(**example).build(seeds.generator(0, "check")).train for _ in range(2))
        if not (np.array_equal(first.ids_NF, second.ids_NF) and np.array_equal(first.labels_NT, second.labels_NT)):
            raise Failed("builds different data from the same random stream")
        return None

    return {"has a version": version, "builds data that can be trained on": builds, "builds the same twice": repeats}


def _model_checks(cls: type[Model], registry: Registry) -> Checks:
    def shapes() -> None:
        model, (n, fields, tasks) = cls(), (5, 3, 2)
        embedded = torch.randn(n, fields, model.width(tasks), requires_grad=True)
        if cls.reads_sequences():
            sequence = Positions("history", first=1, longest=2, target=0)
            logits = model.sequence_network(fields, tasks, [sequence])(
                embedded, torch.tensor([[0], [1], [2], [2], [1]])
            )
        else:
            logits = model.network(fields, tasks)(embedded)
        if logits.shape != (n, tasks):
            raise Failed(f"gives logits of shape {tuple(logits.shape)}; expected {(n, tasks)}")
        logits.sum().backward()
        if embedded.grad is None or not embedded.grad.any():
            raise Failed("no gradient reaches the embeddings")

    def learns() -> None:
        data = _mixed(registry) if cls.reads_sequences() else _small(registry)
        _must_learn(list(run(data, cls(), [], TRAIN, EVALUATION, seed=0)))

    return {"maps [N, F, D] to [N, T]": shapes, "learns": learns}


def _strategy_checks(cls: type[Strategy], model: Model, registry: Registry) -> Checks:
    none = registry.strategies["none"].cls()

    @cache
    def plain() -> list[Record]:
        """A run that several checks look at."""
        return _train(registry, model, cls())

    composed = cache(lambda: _train(registry, model, none, cls(), none))

    def learns() -> None:
        _must_learn(plain())

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
        "goes on from any step to the same records": lambda: _resumes(cls, model, registry, plain()),
    }


def _resumes(cls: type[Strategy], model: Model, registry: Registry, whole: list[Record]) -> None:
    """Ended after steps that its name decides."""
    steps = 2 * -(-len(_small(registry).train) // TRAIN.batch_size)
    ends = seeds.generator(0, "check", "ends", cls.name).integers(1, steps, 2).tolist()
    records = resumed(lambda checkpoints: _run(registry, model, [cls()], checkpoints), ends)
    if [dataclasses.replace(r, cost={}) for r in records] != whole:
        raise Failed(f"told to end after {ends[0]} steps, then {ends[1]}, it goes on to other records")


def _trains_every_model(cls: type[Strategy], registry: Registry) -> None:
    """Two steps of two epochs with each, on fields of every kind, to a finite loss."""
    for entry in registry.models.values():
        trainer = Trainer(_mixed(registry), entry.cls(), [cls()], TRAIN, seed=0)
        for epoch in (1, 2):
            trainer.start_epoch(epoch)
            losses = [trainer.step(batch) for batch in islice(trainer.batches.epoch(epoch), 2)]
            if not torch.isfinite(torch.stack(losses)).all():
                raise Failed(f"the loss with model '{entry.cls.name}' is not finite")
            trainer.end_epoch(epoch)


def _train(registry: Registry, model: Model, *strategies: Strategy) -> list[Record]:
    return [dataclasses.replace(r, cost={}) for r in _run(registry, model, strategies)]


def _run(
    registry: Registry, model: Model, strategies: Sequence[Strategy], checkpoints: Checkpoints | None = None
) -> Iterator[Record]:
    return run(_small(registry), model, strategies, TRAIN, EVALUATION, seed=0, checkpoints=checkpoints)


@cache
def _none(registry: Registry, model: Model) -> list[Record]:
    return _train(registry, model, registry.strategies["none"].cls())


def _must_learn(records: list[Record]) -> None:
    auc = records[-1].metrics[MetricKey("train", "auc", "click")]
    if auc < 0.52:
        raise Failed(f"train AUC after two epochs is {auc:.3f}; expected above 0.52")


def _built(registry: Registry) -> Data:
    cls = registry.datasets["powerlaw"].cls
    return cls(**cls.example or {}).build(seeds.generator(0, "check"))


@cache
def _small(registry: Registry) -> IndexedDataset:
    return _held(_built(registry))


@cache
def _mixed(registry: Registry) -> IndexedDataset:
    """Fields of every kind."""
    return _held(with_kinds(_built(registry), seeds.generator(0, "check", "kinds")))


def _held(data: Data) -> IndexedDataset:
    """Data as the engine reads it, in memory."""
    with tempfile.TemporaryDirectory() as folder:
        indexed.save(data, Path(folder) / "small")
        loaded = indexed.load(Path(folder) / "small")
        splits: dict[str, Any] = {part: loaded.split(part).take(np.arange(len(loaded.split(part)))) for part in SPLITS}
        values = tuple(np.array(code_M) for code_M in loaded.values)
        weights = tuple(None if weight_M is None else np.array(weight_M) for weight_M in loaded.weights)
    return dataclasses.replace(loaded, **splits, values=values, weights=weights)
