"""One run, start to end: train, evaluate, yield a record at every evaluation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.api import Model, Strategy
from harness.data.indexed import IndexedDataset
from harness.data.windows import Windows
from harness.engine import memory, warm_start
from harness.engine.checkpoint import Checkpoints
from harness.engine.epochs import Diverged as Diverged
from harness.engine.epochs import Epochs
from harness.engine.trainer import Trainer
from harness.engine.warm_start import KEPT, State
from harness.experiment.plan import ContinualSpec, EvalSpec, StartSpec, TrainSpec
from harness.metrics.catalog import PROBES, Needs
from harness.results.records import Record


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
    course = _Course(dataset, model, strategies, train, evaluation, seed, checkpoints)
    peak = 0.0
    for record in course.records(keep):
        peak = max(peak, memory.peak_mib())
        yield replace(record, cost=record.cost | {"peak_memory_mb": peak}) if record.boundary else record


Begin = tuple[State, StartSpec] | None
"""A state, and what of it a run begins with."""


@dataclass(frozen=True)
class _Course:
    """A run, as `run` is asked for it."""

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
        done, last = self._done, self.train.epochs
        trainer, epochs = self._begun(self.dataset, self._start())
        if self.checkpoints and done:
            trainer.restore(self.checkpoints.take())
        for epoch in range(done + 1, last + 1):
            yield from epochs.record(epoch)
            if self.checkpoints and epoch < last and self.checkpoints.due():
                self.checkpoints.save(epoch, trainer.state())
        return trainer

    def _by_window(self, spec: ContinualSpec) -> Generator[Record, None, Trainer]:
        """Train on window after window of the log.

        Begun warm, a window depends on how many epochs those before it had. So there is a pass over all windows for
        every number of epochs up to the plan's, of which the last epoch of each window is recorded. Begun fresh, one
        pass shows every epoch.
        """
        windows, warm, last = Windows(self.dataset, spec.windows), spec.start == "warm", self.train.epochs
        done, ended = self._done, 0
        for recorded in [range(k, k + 1) for k in range(1, last + 1)] if warm else [range(1, last + 1)]:
            begin = self._start()
            for number in range(1, len(windows) + 1):
                before, ended = ended, ended + len(recorded)
                if ended <= done:
                    continue
                if self.checkpoints and warm and number > 1 and before == done:
                    begin = self.checkpoints.take(), KEPT
                trainer, epochs = self._begun(windows.data(number), begin)
                begin = None if warm else begin  # it is as large as the tables, which have taken it over
                yield from _of_window(number, epochs, recorded)
                if warm:
                    begin = warm_start.end_state(trainer, self.model), KEPT
                if self.checkpoints and ended < last * len(windows) and self.checkpoints.due():
                    self.checkpoints.save(ended, begin[0] if warm and begin else {})
        return trainer

    @property
    def _done(self) -> int:
        """How many epochs are recorded, and need not be trained again."""
        return self.checkpoints.epoch if self.checkpoints else 0

    def _start(self) -> Begin:
        """The state that the plan names."""
        if (spec := self.train.start) is None:
            return None
        state = warm_start.read(spec)
        warm_start.check(state, spec, self.model, self.strategies, self.dataset, self.train)
        return state, spec

    def _begun(self, dataset: IndexedDataset, begin: Begin) -> tuple[Trainer, Epochs]:
        """A trainer before its first step."""
        truth = any(PROBES[name].needs == Needs.TRUTH for name in self.evaluation.probes)
        known = dataset if begin is None else warm_start.knowing(dataset, *begin)
        trainer = Trainer(known, self.model, self.strategies, self.train, self.seed, truth=truth)
        if begin is not None:
            warm_start.begin(trainer, *begin)
        return trainer, Epochs(trainer, self.evaluation)


def _of_window(number: int, epochs: Epochs, recorded: range) -> Iterator[Record]:
    """Train the epochs of a window, and record some."""
    try:
        for epoch in range(1, recorded.start):
            epochs.train(epoch)
        for epoch in recorded:
            for record in epochs.record(epoch):
                yield replace(record, window=number, influences={})  # of another test set in each window
    except Diverged as error:
        raise Diverged(f"window {number}: {error}") from None
