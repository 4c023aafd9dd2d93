"""One run, start to end: train, evaluate, yield a record at every evaluation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.api import Model, Strategy
from harness.data.indexed_dataset import IndexedDataset
from harness.data.windows import Windows
from harness.engine import memory, warm_start
from harness.engine.checkpoint import Checkpoints, State
from harness.engine.epochs import Diverged as Diverged
from harness.engine.epochs import Epochs
from harness.engine.trainer import Trainer
from harness.engine.warm_start import KEPT
from harness.experiment.specs import ContinualSpec, EvalSpec, StartSpec, TrainSpec
from harness.metrics.catalog import PROBES, Needs
from harness.results.records import Record


def run(
    dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], train: TrainSpec, evaluation: EvalSpec,
    seed: int, checkpoints: Checkpoints | None = None, keep: Callable[[State], object] = lambda state: None,
) -> Iterator[Record]:  # fmt: skip
    """Train and yield a record at every evaluation point, from the checkpoint on if there is one.

    keep: given the state at the end, where the plan keeps it.

    Raises:
        Diverged: the loss of training, or a metric of an evaluation, is not finite.
        Interrupted: the checkpoints were told to end the run.
        UserError: the run cannot begin with the state that the plan names.
    """
    memory.forget_peak()
    course = _Course(dataset, model, strategies, train, evaluation, seed, checkpoints)
    peak = 0.0
    for record in course.records(keep):
        peak = max(peak, memory.peak_mib())
        if checkpoints:
            checkpoints.records += 1
        yield replace(record, cost=record.cost | {"peak_memory_mb": peak}) if record.boundary else record


Begin = tuple[State, StartSpec] | None
"""A state, and what of it a run begins with."""


@dataclass(frozen=True)
class _Course:
    """A run, as `run` is asked for it. Its parts each have a trainer of their own: a run that is not continual has one,
    a continual run one for every window in every pass."""

    dataset: IndexedDataset
    model: Model
    strategies: Sequence[Strategy]
    train: TrainSpec
    evaluation: EvalSpec
    seed: int
    checkpoints: Checkpoints | None

    def records(self, keep: Callable[[State], object]) -> Iterator[Record]:
        trainer = yield from self._whole() if self.train.continual is None else self._by_window(self.train.continual)
        if self.train.keep:
            keep(warm_start.end_state(trainer, self.model))

    def _whole(self) -> Generator[Record, None, Trainer]:
        """Train on the training split."""
        epochs = self._begun(1, self.dataset, self._start())
        yield from epochs.records(range(1, self.train.epochs + 1))
        return epochs.trainer.runs[0]

    def _by_window(self, spec: ContinualSpec) -> Generator[Record, None, Trainer]:
        """Train on window after window of the log.

        Begun warm, a window depends on how many epochs those before it had. So there is a pass over all windows for
        every number of epochs up to the plan's, of which the last epoch of each window is recorded. Begun fresh, one
        pass shows every epoch.
        """
        windows, warm, last = Windows(self.dataset, spec.windows), spec.start == "warm", self.train.epochs
        part, first = 0, self.checkpoints.part if self.checkpoints else 0
        for recorded in [range(k, k + 1) for k in range(1, last + 1)] if warm else [range(1, last + 1)]:
            begin = self._start()
            for number in range(1, len(windows) + 1):
                part += 1
                if part < first:
                    continue
                epochs = self._begun(part, windows.data(number), begin)
                begin = None if warm else begin  # it is as large as the tables, which have taken it over
                yield from _of_window(number, epochs, recorded)
                if warm:
                    begin = warm_start.end_state(epochs.trainer.runs[0], self.model), KEPT
        return epochs.trainer.runs[0]

    def _start(self) -> Begin:
        """The state that the plan names."""
        if (spec := self.train.start) is None:
            return None
        state = warm_start.read(spec)
        warm_start.check(state, spec, self.model, self.strategies, self.dataset, self.train)
        return state, spec

    def _begun(self, part: int, dataset: IndexedDataset, begin: Begin) -> Epochs:
        """A part of the run: from its first step on, or from the checkpoint if it was taken in this part."""
        if self.checkpoints and self.checkpoints.part == part:
            return self._continued(dataset, self.checkpoints.take())
        if self.checkpoints:
            self.checkpoints.part = part
        trainer = self._trainer(dataset if begin is None else warm_start.knowing(dataset, *begin))
        if begin is not None:
            warm_start.begin(trainer, *begin)
        return Epochs(trainer, self.evaluation, self.checkpoints)

    def _continued(self, dataset: IndexedDataset, state: State) -> Epochs:
        trainer = self._trainer(warm_start.known_again(dataset, state["begun"]))
        warm_start.begin_again(trainer, state["begun"])
        epochs = Epochs(trainer, self.evaluation, self.checkpoints)
        epochs.restore(state)
        return epochs

    def _trainer(self, dataset: IndexedDataset) -> Trainer:
        """One before its first step."""
        truth = any(PROBES[name].needs == Needs.TRUTH for name in self.evaluation.probes)
        return Trainer(dataset, self.model, self.strategies, self.train, self.seed, truth=truth)


def _of_window(number: int, epochs: Epochs, recorded: range) -> Iterator[Record]:
    """Train the epochs of a window, and record some."""
    try:
        for record in epochs.records(recorded):
            yield replace(record, window=number, influences={})  # of another test set in each window
    except Diverged as error:
        raise Diverged(f"window {number}: {error}") from None
