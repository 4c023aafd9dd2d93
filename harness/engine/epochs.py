"""Epochs of one trainer: training, evaluation at the points of an epoch and at its end, and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from harness.base.errors import UserError
from harness.engine import warm_start
from harness.engine.batches import Batch
from harness.engine.checkpoint import Checkpoints, State
from harness.engine.device import settle
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluator import Evaluator
from harness.engine.kernels import MOST
from harness.engine.probes import Probes
from harness.engine.trainer import Trainer
from harness.experiment.specs import EvalSpec
from harness.results.records import Record


def ensure_counted(steps: int) -> None:
    """Refuse more optimiser steps than the tables, which note the last one of each row in 32 bits, can count.

    Raises:
        UserError: there are more.
    """
    if steps > MOST:
        raise UserError(f"{steps:,} optimiser steps; accepted: at most {MOST:,}, by a larger train.batch_size")


class Diverged(Exception):
    """The loss is no longer a number."""


@dataclass
class _Place:
    """How far the epochs of a trainer are."""

    epoch: int = 1
    batches: int = 0
    """Trained on in it; 0: it has not begun."""
    touched: int = 0
    """Rows that had been touched when it began."""
    spent: dict[str, float] = field(default_factory=dict)
    """What its clock has measured."""


class Epochs:
    """Those of a trainer that has made no step yet. checkpoints: where its state is saved when that is due."""

    def __init__(self, trainer: Trainer, evaluation: EvalSpec, checkpoints: Checkpoints | None = None) -> None:
        self.trainer, self._points, self._checkpoints = trainer, evaluation.points, checkpoints
        dataset = trainer.dataset
        probed = dataset.tasks.index(evaluation.task) if evaluation.task else 0
        self._probes = Probes(evaluation.probes, dataset, trainer.mapping, trainer.tables, probed)
        self._evaluate = Evaluator(dataset, trainer.mapping, evaluation)
        self._at = _Place()

    def records(self, recorded: range) -> Iterator[Record]:
        """Train to the end of a range of epochs; a record at each point of those in it, and at their ends.

        Raises:
            Diverged: a loss or a metric is not finite.
            Interrupted: the run was told to end.
            UserError: it would make more steps than can be counted, those before it included.
        """
        to_come = (recorded.stop - self._at.epoch) * len(self.trainer.batches) - self._at.batches
        ensure_counted(self.trainer.tables.step + to_come)
        while self._at.epoch < recorded.stop:
            yield from self._epoch(recorded=self._at.epoch in recorded)
            self._at = _Place(self._at.epoch + 1)

    def restore(self, state: State) -> None:
        """Go on where another trainer like this one was."""
        self.trainer.restore(state["trainer"])
        self._at = _Place(**state["place"])

    def _epoch(self, *, recorded: bool) -> Iterator[Record]:
        at, trainer, batches = self._at, self.trainer, len(self.trainer.batches)
        if not at.batches and self._due():
            self._save()
        clock = _Clock(at.spent)
        if at.batches:
            trainer.continue_epoch(at.epoch)
        else:
            trainer.start_epoch(at.epoch)
            at.touched = trainer.tables.rows_touched
        order = trainer.batches.epoch(at.epoch, at.batches)
        for stop in self._stops(batches) if recorded else [batches]:
            while at.batches < stop:
                with trainer.randomness():
                    for batch in islice(order, stop - at.batches):
                        loss = trainer.step(batch)
                        at.batches += 1
                        if self._due():
                            break
                clock.trained(trainer.tables.device)
                if at.batches < stop:  # else the evaluation comes first
                    self._save()
                    clock.restart()
            if recorded:
                yield self._record(loss, batch, clock)
        trainer.end_epoch(at.epoch)

    def _stops(self, batches: int) -> list[int]:
        """After how many batches there is an evaluation, of those that are to come."""
        stops = {max(1, round(p * batches)) for p in self._points} | {batches}
        return sorted(stop for stop in stops if stop > self._at.batches)

    def _record(self, loss: Tensor, batch: Batch, clock: _Clock) -> Record:
        """Evaluate. loss, batch: of the last step."""
        at, trainer, batches = self._at, self.trainer, len(self.trainer.batches)
        step, boundary = (at.epoch - 1) * batches + at.batches, at.batches == batches
        metrics = self._evaluate(trainer.net, trainer.tables, full=boundary)
        metrics |= self._probes(batch, trainer.last_lookup)
        clock.evaluated()
        if not torch.isfinite(loss) or not all(map(math.isfinite, metrics.values())):
            raise Diverged(f"the loss is not a finite number in epoch {at.epoch} by step {step} ({loss.item()})")
        cost = clock.cost(len(trainer.dataset.train), trainer.tables, at.touched, batches) if boundary else {}
        position = at.epoch - 1 + at.batches / batches
        return Record(at.epoch, step, position, boundary, metrics, cost, self._evaluate.last_influences)

    def _due(self) -> bool:
        return self._checkpoints is not None and self._checkpoints.due()

    def _save(self) -> None:
        assert self._checkpoints is not None
        begun = warm_start.begun(self.trainer)
        self._checkpoints.save({"place": vars(self._at), "begun": begun, "trainer": self.trainer.state()})


class _Clock:
    """Measures training and evaluation in one epoch: seconds of the wall, and of processors over all threads.

    spent: what it adds to.
    """

    def __init__(self, spent: dict[str, float]) -> None:
        self._spent = spent
        for name in ("train_s", "eval_s", "train_cpu_s", "eval_cpu_s"):
            spent.setdefault(name, 0.0)
        self.restart()

    def restart(self) -> None:
        """What happened since the last lap is neither."""
        self._last = time.perf_counter(), time.process_time()

    def trained(self, device: torch.device) -> None:
        settle(device)
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
