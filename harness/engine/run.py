"""One run, start to end: train, evaluate, yield a record at every evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import torch

from harness.api import Model, Strategy
from harness.data.indexed import IndexedDataset
from harness.engine import memory, warm_start
from harness.engine.checkpoint import Checkpoints
from harness.engine.device import settle
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluator import Evaluator
from harness.engine.probes import Probes
from harness.engine.trainer import Trainer
from harness.engine.warm_start import State
from harness.experiment.plan import EvalSpec, TrainSpec
from harness.metrics.catalog import PROBES, Needs
from harness.results.records import Record


class Diverged(Exception):
    """The loss is no longer a number."""


def run(
    dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], train: TrainSpec, evaluation: EvalSpec,
    seed: int, checkpoints: Checkpoints | None = None, keep: Callable[[State], object] = lambda state: None,
) -> Iterator[Record]:  # fmt: skip
    """Train and yield a record at every evaluation point, from the epoch after the checkpoint if there is one.

    keep: given the state at the end, where the plan keeps it.

    Raises:
        Diverged: the loss of an evaluation or of training is not finite.
        UserError: the run cannot begin with the state that the plan names.
    """
    memory.forget_peak()
    truth = any(PROBES[name].needs == Needs.TRUTH for name in evaluation.probes)
    trainer = _trainer(dataset, model, strategies, train, seed, truth=truth)
    dataset = trainer.dataset
    probed = dataset.tasks.index(evaluation.task) if evaluation.task else 0
    probes = Probes(evaluation.probes, dataset, trainer.mapping, trainer.tables, probed)
    done = checkpoints.epoch if checkpoints else 0
    if checkpoints and done:
        trainer.restore(checkpoints.take())
    evaluate = Evaluator(dataset, trainer.mapping, evaluation)
    peak = 0.0
    for epoch in range(done + 1, train.epochs + 1):
        for record in _epoch(epoch, trainer, evaluate, probes, evaluation.points):
            peak = max(peak, memory.peak_mib())
            yield replace(record, cost=record.cost | {"peak_memory_mb": peak}) if record.boundary else record
        trainer.end_epoch(epoch)
        if checkpoints and epoch < train.epochs and checkpoints.due():
            checkpoints.save(epoch, trainer.state())
    if train.keep:
        keep(warm_start.end_state(trainer, model))


def _trainer(
    dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], train: TrainSpec, seed: int, *, truth: bool
) -> Trainer:
    """A trainer before its first step, with the state that the plan has it begin with."""
    if train.start is None:
        return Trainer(dataset, model, strategies, train, seed, truth=truth)
    state = warm_start.read(train.start)
    warm_start.check(state, train.start, model, strategies, dataset, train)
    trainer = Trainer(warm_start.knowing(dataset, state, train.start), model, strategies, train, seed, truth=truth)
    warm_start.begin(trainer, state, train.start)
    return trainer


def _epoch(
    epoch: int, trainer: Trainer, evaluate: Evaluator, probes: Probes, points: Sequence[float]
) -> Iterator[Record]:
    """Train one epoch; a record at each of these shares of it, and at its end."""
    clock, batches = _Clock(), len(trainer.batches)
    stops = sorted({max(1, round(p * batches)) for p in points} | {batches})
    trainer.start_epoch(epoch)
    order = trainer.batches.epoch(epoch)
    touched, done = trainer.tables.rows_touched, 0
    for stop in stops:
        with trainer.randomness():
            for batch in islice(order, stop - done):
                loss = trainer.step(batch)
        done, boundary = stop, stop == batches
        step = (epoch - 1) * batches + stop
        settle(trainer.tables.device)
        clock.trained()
        metrics = evaluate(trainer.net, trainer.tables, full=boundary) | probes(batch, trainer.last_lookup)
        clock.evaluated()
        if not torch.isfinite(loss) or not all(map(math.isfinite, metrics.values())):
            raise Diverged(f"the loss is not a finite number in epoch {epoch} by step {step} ({loss.item()})")
        cost = clock.cost(len(trainer.dataset.train), trainer.tables, touched, batches) if boundary else {}
        position = epoch - 1 + stop / batches
        yield Record(epoch, step, position, boundary, metrics, cost, evaluate.last_influences)


class _Clock:
    """Measures training and evaluation in one epoch: seconds of the wall, and of processors over all threads."""

    def __init__(self) -> None:
        self._spent = dict.fromkeys(("train_s", "eval_s", "train_cpu_s", "eval_cpu_s"), 0.0)
        self._last = time.perf_counter(), time.process_time()

    def trained(self) -> None:
        self._lap("train")

    def evaluated(self) -> None:
        self._lap("eval")

    def _lap(self, what: str) -> None:
        (wall, cpu), self._last = self._last, (time.perf_counter(), time.process_time())
        self._spent[f"{what}_s"] += self._last[0] - wall
        self._spent[f"{what}_cpu_s"] += self._last[1] - cpu

    def cost(self, examples: int, tables: EmbeddingTables, touched_before: int, steps: int) -> dict[str, float]:
        return {
            **self._spent,
            "rows_per_s": examples / self._spent["train_s"],
            "distinct_rows_per_step": (tables.rows_touched - touched_before) / steps,
            "table_rows": float(len(tables.store)),
            "table_mb": tables.store.nbytes / 2**20,
        }
