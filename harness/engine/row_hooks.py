"""The hooks of strategies on the rows of a batch: what they are shown, and what comes of their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from harness.api import RowStep, Strategy, defining
from harness.engine.hook_answers import READ_ALONE, ensure_unchanged, row_step, tensor_like, versions_of
from harness.engine.lookup import Lookup
from harness.engine.row_buffers import RowBuffers
from harness.engine.row_history import LAST, SEEN, TRAIN, RowHistory


@dataclass(frozen=True)
class RowUpdate:
    """What the optimiser is asked to do with the K rows of a batch."""

    grad_KD: Tensor
    scale_K: Tensor | None = None
    """Factor of the optimiser's update; None: 1."""
    keep_K: Tensor | None = None
    """Factor of the weight before the update; None: 1."""


class RowHooks:
    """Calls `perturb` and `on_rows` of the strategies that define them. lr: that of the tables."""

    def __init__(
        self, strategies: Sequence[Strategy], lr: float, row_buffer: RowBuffers, run_buffer: RowBuffers
    ) -> None:  # fmt: skip
        self._on_rows, self._perturb = defining("on_rows", strategies), defining("perturb", strategies)
        self._lr, self._row_buffer, self._run_buffer = lr, row_buffer, run_buffer

    def of(self, strategies: Iterable[Strategy]) -> Iterator[Strategy]:
        """Each in turn, the buffers being its own while it is called."""
        for strategy in strategies:
            self._row_buffer.asks = self._run_buffer.asks = strategy.name
            yield strategy
        self._row_buffer.asks = self._run_buffer.asks = ""

    @property
    def any(self) -> bool:
        """Whether any strategy looks at rows, so that their history is worth keeping."""
        return bool(self._on_rows or self._perturb)

    @property
    def perturbs(self) -> bool:
        """Whether any strategy may displace rows."""
        return bool(self._perturb)

    def displacements(self, lookup: Lookup, history: RowHistory, grad_KD: Tensor) -> list[Tensor]:
        """How far strategies move the rows before the gradient is taken again, [K, D] each."""
        step, moves = self._row_step(lookup, history, grad_KD), []
        versions = versions_of(step, given := (*READ_ALONE, "grad_KD"))
        for strategy in self.of(self._perturb):
            move = strategy.perturb(step)
            ensure_unchanged(step, given, versions, strategy, "perturb", "a new tensor, returned")
            if move is not None:
                moves.append(tensor_like(move, step.weight_KD, strategy, "perturb", "the displacement"))
        return moves

    def update(self, lookup: Lookup, history: RowHistory, grad_KD: Tensor) -> RowUpdate:
        """What strategies make of the update of the rows, each going on from the answer of the one before."""
        if not self._on_rows:
            return RowUpdate(grad_KD)
        step = self._row_step(lookup, history, grad_KD)
        for strategy in self.of(self._on_rows):
            versions = versions_of(step, READ_ALONE)
            step = row_step(strategy.on_rows(step), step, versions, strategy)
        return RowUpdate(step.grad_KD, step.lr_scale_K, None if step.decay_K is None else 1 - step.decay_K)

    def _row_step(self, lookup: Lookup, history: RowHistory, grad_KD: Tensor) -> RowStep:
        assert lookup.touched is not None
        history_HK = lookup.touched.history_HK
        return RowStep(
            rows_K=lookup.rows.rows_K,
            field_K=lookup.touched.field_K,
            weight_KD=lookup.weight_KD,
            grad_KD=grad_KD,
            batch_count_K=lookup.rows.count_K,
            seen_K=history_HK[SEEN],
            train_count_K=history_HK[TRAIN],
            last_step_K=history_HK[LAST],
            seen_max_F=history.seen_max_F,
            train_max_F=history.train_max_F,
            examples=len(lookup.rows.rows_BC),
            lr=self._lr,
            epoch=lookup.epoch,
            step=lookup.step,
            row_buffer=self._row_buffer,
            run_buffer=self._run_buffer,
        )
