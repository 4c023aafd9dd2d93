"""The runs of a group, start to end: train, evaluate, yield a record of each at every evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from harness.api import Model, Strategy
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import memory
from harness.engine.checkpoint import Checkpoints
from harness.engine.epochs import Diverged, Epochs
from harness.engine.group import Group
from harness.engine.trainer import Trainer
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.results.records import Record


class Member(NamedTuple):
    """What one run of a group has of its own; models and strategies are alike."""

    dataset: IndexedDataset
    model: Model
    strategies: Sequence[Strategy]
    seed: int


def run_group(
    members: Sequence[Member], train: TrainSpec, evaluation: EvalSpec, checkpoints: Checkpoints | None = None
) -> Iterator[list[Record | Diverged]]:
    """Train all runs at once; at every evaluation a record of each.

    A run that has diverged has no more records. Costs are the share of one run; peak memory is that of all.
    checkpoints: those of the group, from the latest of which it goes on.

    Raises:
        Interrupted: the checkpoints were told to end the runs.
        UserError: the runs cannot be stepped as one.
    """
    memory.forget_peak()
    group = Group([Trainer(each.dataset, each.model, each.strategies, train, each.seed) for each in members])
    epochs = Epochs(group, evaluation, checkpoints)
    if checkpoints and checkpoints.part:
        epochs.restore(checkpoints.take())
    elif checkpoints:
        checkpoints.part = 1
    peak = 0.0
    for outcomes in epochs.outcomes(range(1, train.epochs + 1)):
        peak = max(peak, memory.peak_mib())
        if checkpoints:
            checkpoints.records += 1
        yield [_with_peak(outcome, peak) for outcome in outcomes]


def _with_peak(outcome: Record | Diverged, peak: float) -> Record | Diverged:
    if isinstance(outcome, Diverged) or not outcome.boundary:
        return outcome
    return replace(outcome, cost=outcome.cost | {"peak_memory_mb": peak})
