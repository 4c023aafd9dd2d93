"""The rows of the fused table: how they are stepped, and what a strategy may see of them and do to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TableSpec:
    """How the fused table is initialised and stepped."""

    lr: float
    optimizer: str = "adam"
    """adam (of the touched rows alone), adam_dense (of all rows at every step, as torch.optim.Adam), adam_by_touch (its
    bias corrected by a row's own touches), adagrad, rowwise_adagrad or sgd."""
    init_std: float = 0.01
    """Standard deviation of the weights at first."""
    decay: float = 0.0
    """Each step multiplies ALL rows by 1 - lr * decay, whatever their gradient; absent rows catch up when next read."""
    absent_decay: float = 0.0
    """The j-th step in a row that does not touch a row multiplies it by 1 - min(1, j * absent_decay)."""
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


@dataclass(frozen=True)
class DenseSpec:
    """How Adam steps the dense net in one epoch."""

    lr: float
    frozen: bool = False
    """Not at all."""


@dataclass(frozen=True)
class RowStep:
    """The K distinct rows that one batch touches, just before their update. A hook returns a changed copy."""

    rows_K: Tensor
    """Their place in the fused table."""
    field_K: Tensor
    """The index of their field."""
    weight_KD: Tensor
    grad_KD: Tensor
    batch_count_K: Tensor
    """Occurrences in this batch."""
    seen_K: Tensor
    """Occurrences in training so far, in all epochs, this batch included."""
    train_count_K: Tensor
    """Occurrences in one pass over the training split."""
    last_step_K: Tensor
    """The step that last touched the row; 0: none since it was drawn."""
    seen_max_F: Tensor
    """The largest number of occurrences of any row so far, by field."""
    train_max_F: Tensor
    """The largest number of occurrences of any row in one pass over the training split, by field."""
    examples: int
    """B. The loss of a task is a mean over those whose label is known."""
    lr: float
    """That of the tables."""
    epoch: int
    """Counts from 1."""
    step: int
    """Counts from 1, over all epochs."""
    row_buffer: Callable[[str], Tensor]
    """As that of `Tables`."""
    run_buffer: Callable[[str], Tensor]
    """As that of `Tables`."""
    lr_scale_K: Tensor | None = None
    """Factor of the optimiser's update. None: 1."""
    decay_K: Tensor | None = None
    """The share of the weight to remove, whatever the gradient and the learning rate. None: 0."""

    def scale_lr(self, factor_K: Tensor) -> RowStep:
        """Multiply the update of each row."""
        return dataclasses.replace(self, lr_scale_K=factor_K if self.lr_scale_K is None else self.lr_scale_K * factor_K)

    def add_decay(self, share_K: Tensor) -> RowStep:
        """Remove a further share of each row's weight, up to all of it."""
        total_K = share_K if self.decay_K is None else self.decay_K + share_K
        return dataclasses.replace(self, decay_K=total_K.clamp(max=1))

    def with_grad(self, grad_KD: Tensor) -> RowStep:
        return dataclasses.replace(self, grad_KD=grad_KD)


@dataclass(frozen=True)
class FieldTable:
    """One field's part of the fused table: rows [offset, offset + num_rows)."""

    name: str
    offset: int
    num_rows: int
    train_ids: int = 0
    """Distinct ids of the field in the training split."""


@dataclass(frozen=True)
class LookupColumn:
    """One of the rows that every example looks up."""

    table: FieldTable
    place: int
    """The id of the example that it belongs to: an id with H rows has H columns of the same place."""


class Tables(Protocol):
    """What a strategy may do to the tables between epochs."""

    @property
    def fields(self) -> tuple[FieldTable, ...]:
        """Those of ids. The vectors of numbers lie in the fused table too, and are no business of a strategy."""

    def weight(self, field: FieldTable) -> Tensor:
        """A copy of a field's rows, [num_rows, D]."""

    def train_count(self, field: FieldTable) -> Tensor:
        """Occurrences of each of a field's rows in one pass over the training split, int32."""

    def label_counts(self) -> tuple[Tensor, Tensor]:
        """Of each row of the fused table and task, int32 [R, T]: its occurrences in one pass over the training split
        whose label is known, and those whose label is positive. Each call reads the split once."""

    def reset(
        self, field: FieldTable, rows: Tensor | None = None, *, state: bool = True, around: Tensor | None = None,
        again: bool = False,
    ) -> None:  # fmt: skip
        """Redraw a field's rows (all, or int64 `rows` of the fused table) and clear their optimiser state.

        around: [D], or a row for each, added to what is drawn. again: give the rows what they held before training.
        """

    def row_buffer(self, name: str) -> Tensor:
        """The strategy's buffer of this name: float32 [R], zero at first. It is saved in checkpoints and reset with
        its rows. No other strategy of the arm may have one of this name."""

    def run_buffer(self, name: str) -> Tensor:
        """The strategy's buffer of this name: float32 [1], zero at first. It is saved in checkpoints, and nothing
        resets it. No other strategy of the arm may have one of this name."""

    def freeze(self) -> None:
        """From here on no update, decay or reset changes the tables, and `on_rows` is not called."""
