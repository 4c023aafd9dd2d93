"""One run, start to end: train, evaluate, yield a record at every evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import torch

from harness.api import Model, Strategy
from harness.data.indexed import IndexedDataset
from harness.engine import memory
from harness.engine.checkpoint import Checkpoints
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluator import Evaluator
from harness.engine.probes import Probes
from harness.engine.trainer import Trainer
from harness.experiment.plan import EvalSpec, TrainSpec
from harness.metrics.catalog import PROBES, Needs
from harness.results.records import Record


class Diverged(Exception):
    """The loss is no longer a number."""


def run(
    dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], train: TrainSpec, evaluation: EvalSpec,
    seed: int, checkpoints: Checkpoints | None = None,
) -> Iterator[Record]:  # fmt: skip
    """Train and yield a record at every evaluation point, from the epoch after the checkpoint if there is one.

    Raises:
        Diverged: the loss of an evaluation or of training is not finite.
    """
    memory.forget_peak()
    truth = any(PROBES[name].needs == Needs.TRUTH for name in evaluation.probes)
    trainer = Trainer(dataset, model, strategies, train, seed, truth=truth)
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
        clock.trained()
        metrics = evaluate(trainer.net, trainer.tables, full=boundary) | probes(batch, trainer.last_lookup)
        clock.evaluated()
        if not torch.isfinite(loss) or not all(map(math.isfinite, metrics.values())):
            raise Diverged(f"the loss is not a finite number in epoch {epoch} by step {step} ({loss.item()})")
        cost = clock.cost(len(trainer.dataset.train), trainer.tables, touched, batches) if boundary else {}
        yield Record(epoch, step, epoch - 1 + stop / batches, boundary, metrics, cost)


class _Clock:
    """Measures the seconds of training and of evaluation in one epoch."""

    def __init__(self) -> None:
        self.train_s, self.eval_s, self._last = 0.0, 0.0, time.perf_counter()

    def trained(self) -> None:
        self.train_s += self._lap()

    def evaluated(self) -> None:
        self.eval_s += self._lap()

    def _lap(self) -> float:
        now = time.perf_counter()
        lap, self._last = now - self._last, now
        return lap

    def cost(self, examples: int, tables: EmbeddingTables, touched_before: int, steps: int) -> dict[str, float]:
        return {
            "train_s": self.train_s,
            "eval_s": self.eval_s,
            "rows_per_s": examples / self.train_s,
            "distinct_rows_per_step": (tables.rows_touched - touched_before) / steps,
            "table_rows": float(len(tables.store)),
            "table_mb": tables.store.nbytes / 2**20,
        }
