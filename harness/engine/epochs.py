"""Epochs of one trainer: train, and evaluate at the points of an epoch and at its end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import islice

import torch

from harness.engine.device import settle
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluator import Evaluator
from harness.engine.probes import Probes
from harness.engine.trainer import Trainer
from harness.experiment.plan import EvalSpec
from harness.results.records import Record


class Diverged(Exception):
    """The loss is no longer a number."""


class Epochs:
    """Those of a trainer that has made no step yet."""

    def __init__(self, trainer: Trainer, evaluation: EvalSpec) -> None:
        self._trainer, self._points = trainer, evaluation.points
        dataset = trainer.dataset
        probed = dataset.tasks.index(evaluation.task) if evaluation.task else 0
        self._probes = Probes(evaluation.probes, dataset, trainer.mapping, trainer.tables, probed)
        self._evaluate = Evaluator(dataset, trainer.mapping, evaluation)

    def train(self, epoch: int) -> None:
        """One epoch without a record."""
        trainer = self._trainer
        trainer.start_epoch(epoch)
        with trainer.randomness():
            for batch in trainer.batches.epoch(epoch):
                trainer.step(batch)
        trainer.end_epoch(epoch)

    def record(self, epoch: int) -> Iterator[Record]:
        """One epoch; a record at each point of it, and at its end.

        Raises:
            Diverged: a loss or a metric is not finite.
        """
        trainer, clock, batches = self._trainer, _Clock(), len(self._trainer.batches)
        stops = sorted({max(1, round(p * batches)) for p in self._points} | {batches})
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
            metrics = self._evaluate(trainer.net, trainer.tables, full=boundary)
            metrics |= self._probes(batch, trainer.last_lookup)
            clock.evaluated()
            if not torch.isfinite(loss) or not all(map(math.isfinite, metrics.values())):
                raise Diverged(f"the loss is not a finite number in epoch {epoch} by step {step} ({loss.item()})")
            cost = clock.cost(len(trainer.dataset.train), trainer.tables, touched, batches) if boundary else {}
            position = epoch - 1 + stop / batches
            yield Record(epoch, step, position, boundary, metrics, cost, self._evaluate.last_influences)
        trainer.end_epoch(epoch)


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
