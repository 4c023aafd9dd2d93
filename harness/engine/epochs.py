"""Epochs of one trainer, or of a group: training, evaluation at points of an epoch and at its end, and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import torch
from torch import Tensor

from harness.base.errors import UserError
from harness.engine import warm_start
from harness.engine.batch import Batch
from harness.engine.checkpoint import Checkpoints, State
from harness.engine.device import settle
from harness.engine.evaluator import Evaluator
from harness.engine.group import Group
from harness.engine.kernels import MOST
from harness.engine.lookup import Lookup
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
    """A loss or a metric is no longer a number."""


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
    """Those of a trainer, or of a group of them, that has made no step yet. checkpoints: where its state is saved when
    that is due."""

    def __init__(
        self, trainer: Trainer | Group, evaluation: EvalSpec, checkpoints: Checkpoints | None = None
    ) -> None:  # fmt: skip
        self.trainer, self._points, self._checkpoints = trainer, evaluation.points, checkpoints
        self._runs = [_Evaluated(run, evaluation) for run in trainer.runs]
        self._at = _Place()

    def records(self, recorded: range) -> Iterator[Record]:
        """`outcomes` of a single run.

        Raises:
            Diverged: a loss or a metric is not finite.
        """
        for (outcome,) in self.outcomes(recorded):
            if isinstance(outcome, Diverged):
                raise outcome
            yield outcome

    def outcomes(self, recorded: range) -> Iterator[list[Record | Diverged]]:
        """Train to the end of a range of epochs; of every run a record at each point of those in it, and at their ends.
        A run that has diverged has no more records, and when all have it ends.

        Raises:
            Interrupted: the runs were told to end.
            UserError: they would make more steps than can be counted, those before included.
        """
        to_come = (recorded.stop - self._at.epoch) * len(self.trainer.batches) - self._at.batches
        ensure_counted(self.trainer.tables.step + to_come)
        while self._at.epoch < recorded.stop and not all(run.diverged for run in self._runs):
            yield from self._epoch(recorded=self._at.epoch in recorded)
            self._at = _Place(self._at.epoch + 1)

    def restore(self, state: State) -> None:
        """Go on where another trainer like this one was."""
        self.trainer.restore(state["trainer"])
        self._at = _Place(**state["place"])

    def _epoch(self, *, recorded: bool) -> Iterator[list[Record | Diverged]]:
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
                        loss_S = trainer.step(batch)
                        at.batches += 1
                        if self._due():
                            break
                clock.trained(trainer.tables.device)
                if at.batches < stop:  # else the evaluation comes first
                    self._save()
                    clock.restart()
            if recorded:
                yield self._outcomes(loss_S, batch, clock)
        trainer.end_epoch(at.epoch)

    def _stops(self, batches: int) -> list[int]:
        """After how many batches there is an evaluation, of those that are to come."""
        stops = {max(1, round(p * batches)) for p in self._points} | {batches}
        return sorted(stop for stop in stops if stop > self._at.batches)

    def _outcomes(self, loss_S: Tensor, batch: Batch, clock: _Clock) -> list[Record | Diverged]:
        """Evaluate every run. loss_S, batch: of the last step."""
        at, trainer, batches = self._at, self.trainer, len(self.trainer.batches)
        each = zip(self._runs, loss_S.tolist(), strict=True)
        found = [run(at, batches, loss, batch, trainer.last_lookup) for run, loss in each]
        clock.evaluated()
        if at.batches < batches:
            return found
        cost = clock.cost(trainer, at.touched)
        return [outcome if isinstance(outcome, Diverged) else replace(outcome, cost=cost) for outcome in found]

    def _due(self) -> bool:
        return self._checkpoints is not None and self._checkpoints.due()

    def _save(self) -> None:
        assert self._checkpoints is not None
        begun = warm_start.begun(self.trainer.runs[0])  # a group begins with none
        self._checkpoints.save({"place": vars(self._at), "begun": begun, "trainer": self.trainer.state()})


class _Evaluated:
    """One run at the points where it is evaluated."""

    def __init__(self, trainer: Trainer, evaluation: EvalSpec) -> None:
        self._trainer, dataset = trainer, trainer.dataset
        probed = dataset.tasks.index(evaluation.task) if evaluation.task else 0
        self._probes = Probes(evaluation.probes, dataset, trainer.mapping, trainer.tables, probed)
        self._evaluate = Evaluator(dataset, trainer.mapping, evaluation)
        self.diverged: Diverged | None = None
        """Why it has no more records; None: it has."""

    def __call__(self, at: _Place, batches: int, loss: float, batch: Batch, lookup: Lookup) -> Record | Diverged:
        """loss, batch, lookup: of the last step. Its cost is left to others."""
        if self.diverged is not None:
            return self.diverged
        step, boundary = (at.epoch - 1) * batches + at.batches, at.batches == batches
        metrics = self._evaluate(self._trainer.net, self._trainer.tables, full=boundary)
        metrics |= self._probes(batch, lookup)
        for what, value in (("the loss", loss), *metrics.items()):
            if not math.isfinite(value):
                self.diverged = Diverged(f"{what} is not a finite number in epoch {at.epoch} by step {step} ({value})")
                return self.diverged
        position = at.epoch - 1 + at.batches / batches
        return Record(at.epoch, step, position, boundary, metrics, influences=self._evaluate.last_influences)


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

    def cost(self, trainer: Trainer | Group, touched_before: int) -> dict[str, float]:
        """Of one run; in a group its share, which is that of every other."""
        runs, tables = trainer.runs, trainer.tables
        spent = {name: seconds / len(runs) for name, seconds in self._spent.items()}
        return {
            **spent,
            "rows_per_s": len(runs[0].dataset.train) / spent["train_s"],
            "distinct_rows_per_step": (tables.rows_touched - touched_before) / len(trainer.batches),
            "table_rows": float(len(runs[0].tables.store)),
            "table_mb": runs[0].tables.store.nbytes / 2**20,
        }
