"""What a run costs, and the largest comparison that fits into a time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from harness.analysis.racing import ALIKE
from harness.api import Model
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.evaluator import Evaluator
from harness.engine.trainer import Trainer
from harness.experiment.plan import STARTUP
from harness.experiment.specs import EvalSpec, TrainSpec

WARM, TIMED, ENOUGH = 3, 30, 5.0
"""Steps before the first that is timed; most that are timed; and the seconds after which no more are."""
SPARE = 1.2
"""What is measured is taken times this: what fits by a hair does not fit."""
START = 0.5
"""Seconds of a run beside its training: it is handed out, recorded and shown."""
ONCE = 12
"""Trials of the one-epoch baseline, at least. A gain over an epoch that was not tuned would be a gain of tuning."""
HOOKS = 1.2
"""How much longer a step of a mitigation takes than one of plain training."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one process. begin: before the first step. epoch: of steps. evaluate: of all splits, once an epoch."""

    begin: float
    epoch: float
    evaluate: float

    def run(self, epochs: int) -> float:
        return START + self.begin + epochs * (HOOKS * self.epoch + self.evaluate)


@dataclass(frozen=True)
class Size:
    """A comparison. arms: mitigations beside plain training. trials: of each search. seeds: that every arm has which
    is not settled before; what that saves goes to more of them for the others."""

    arms: int
    trials: int
    seeds: int
    epochs: int

    @property
    def long(self) -> int:
        """Runs of all epochs: of plain training and of the mitigations."""
        return (self.arms + 1) * (self.trials + self.seeds)

    @property
    def short(self) -> int:
        """Runs of one epoch, of the baseline, which has at least as many epochs in its trials as another arm."""
        return (max(self.trials * self.epochs, ONCE) if self.trials else 0) + self.seeds

    def together(self, workers: int) -> int:
        """How many trials of a search to propose at a time, so that so many processes have something to do."""
        return max(1, workers // (self.arms + 2))

    def seconds(self, cost: Cost, workers: int) -> float:
        """Of the wall, with so many processes: of all runs, or of those that wait for each other, if these take longer.

        After its start-up a search waits for what it proposed, and all arms for the longest search; the first seeds
        train together, and each further one waits for the verdict on those before it.
        """
        of_all = (self.long * cost.run(self.epochs) + self.short * cost.run(1)) / workers
        searched = max(
            self._rounds(self.trials, workers) * cost.run(self.epochs),
            self._rounds(self.short - self.seeds, workers) * cost.run(1),
        )
        in_turn = searched + (1 + max(0, self.seeds - ALIKE)) * cost.run(self.epochs)
        return SPARE * max(of_all, in_turn)

    def _rounds(self, trials: int, workers: int) -> int:
        """Of a search."""
        later = math.ceil(max(0, trials - STARTUP) / self.together(workers))
        return later + (trials > 0)

    def __str__(self) -> str:
        once = f"at their defaults, one epoch in {self.short - self.seeds} trials"
        searched = f"{self.trials} trials of each" if self.trials > 1 else once
        arms = f"{self.arms} mitigation{'s' * (self.arms > 1)}"
        return f"{arms}, {searched}, {self.seeds} seeds or more, {self.epochs} epochs"


SIZES = (
    Size(1, 1, 5, 2), Size(1, 1, 5, 3), Size(1, 4, 5, 3), Size(2, 4, 5, 3), Size(2, 6, 5, 3), Size(3, 6, 5, 3),
    Size(3, 8, 6, 3), Size(4, 12, 6, 4), Size(5, 12, 7, 4), Size(6, 24, 9, 4),
)  # fmt: skip
"""From what says least to what says most. Five seeds at least: all of five lower is the least that shows a fall without
a word on how they are distributed, and collapses are not normal. Three epochs before any search, as some logs
fall in the third; a search before a second mitigation, as on sixteen of eighteen random populations the first one
gained most (`plans/populations.toml`), and as an unlucky search is the larger error."""


def measure(data: IndexedDataset, model: Model, batches: Sequence[int]) -> Cost:
    """Train some steps at each batch size that a search may choose, and evaluate once; an epoch is their mean."""
    epochs = []
    for batch in batches:
        begun = time.perf_counter()
        trainer = Trainer(data, model, (), TrainSpec(batch_size=batch), seed=0)
        ready = time.perf_counter()
        epochs.append(len(trainer.batches) * _step(trainer))
    evaluate = Evaluator(data, trainer.mapping, EvalSpec())
    before = time.perf_counter()
    evaluate(trainer.net, trainer.tables, full=True)
    return Cost(ready - begun, sum(epochs) / len(epochs), time.perf_counter() - before)


def _step(trainer: Trainer) -> float:
    """Seconds of a step."""
    trainer.start_epoch(1)
    done, begun = 0, time.perf_counter()
    with trainer.randomness():
        for number, batch in enumerate(islice(trainer.batches.epoch(1), WARM + TIMED)):
            if number == WARM:
                done, begun = 0, time.perf_counter()
            trainer.step(batch)
            done += 1
            if number > WARM and time.perf_counter() - begun > ENOUGH:
                break
    return (time.perf_counter() - begun) / done


def fitting(cost: Cost, workers: int, seconds: float) -> Size | None:
    """The largest size that fits; None: not even the smallest does."""
    return next((size for size in reversed(SIZES) if size.seconds(cost, workers) <= seconds), None)
