"""The fused embedding table of all fields, stepped on the rows of the batch alone.

Weights and optimiser state of a row lie side by side in one array, so that a step costs one gather and one pass over
the touched rows, whatever the number of fields and rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from harness.api import FieldTable, Strategy, TableSpec
from harness.engine import memory
from harness.engine.absence import Absence
from harness.engine.batch import DistinctRows
from harness.engine.initial_rows import InitialRows
from harness.engine.lookup import Lookup
from harness.engine.row_buffers import RowBuffers
from harness.engine.row_history import RowHistory
from harness.engine.row_hooks import RowHooks, RowUpdate
from harness.engine.row_labels import RowLabels
from harness.engine.row_mapping import RowMapping
from harness.engine.row_optimizers import optimizer_of
from harness.engine.vectors import Vectors


class Part(Protocol):
    """Something that the tables are made of and that changes in training."""

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


class EmbeddingTables:
    """R rows of width D with a row-sparse optimiser; in each step `lookup`, then `update`.

    labels: those that the rows occur with, for strategies that ask.
    compiled: step rows with the compiled kernels, which need a CPU, rather than with their definitions in torch.
    None: on a CPU.
    """

    def __init__(
        self, mapping: RowMapping, spec: TableSpec, width: int, strategies: Sequence[Strategy], seed: int,
        device: torch.device | None = None, *, labels: RowLabels | None = None, compiled: bool | None = None,
    ) -> None:  # fmt: skip
        self._labels = labels
        self.fields, self.spec, self.width = mapping.fields, spec, width
        self.device = device or torch.device("cpu")
        self.epoch, self.step, self.rows_touched = 0, 0, 0
        self._frozen = False
        self._compiled = self.device.type == "cpu" if compiled is None else compiled
        self._optimizer = optimizer_of(spec)
        self.vectors = Vectors(mapping.columns, self.device, compiled=self._compiled)
        self.train_count_R = mapping.train_count_R.to(self.device)
        rows, columns = mapping.num_rows, width + self._optimizer.columns(width)
        self.store = memory.zeros(rows, columns, device=self.device)
        self.state_reset_step_R = memory.zeros(rows, dtype=torch.int32, device=self.device)
        self._initial = InitialRows(width, spec.init_std, seed)
        self.row_buffer = RowBuffers(rows, self.device)
        self.run_buffer = RowBuffers(1, self.device)
        self.hooks = RowHooks(strategies, spec.lr, self.row_buffer, self.run_buffer)
        self.history = RowHistory(mapping, self.device, kept=self.hooks.any, compiled=self._compiled)
        self._absence = Absence(
            spec, width, self.store, self.state_reset_step_R, compiled=self._compiled, scaled=self.hooks.any
        )
        for table in mapping.tables:
            self.reset(table)

    @property
    def weight_RD(self) -> Tensor:
        """The weights of every row, absent ones worked out up to this step."""
        return self._now(0, len(self.store))

    @property
    def owes(self) -> bool:
        """Whether absent rows have something to be worked out."""
        return self._absence.active

    @property
    def hooked(self) -> bool:
        """Whether a strategy looks at the rows of a batch."""
        return self.hooks.any

    @property
    def frozen(self) -> bool:
        """Whether the tables stay as they are."""
        return self._frozen

    @property
    def perturbed(self) -> bool:
        """Whether `displaced` is worth asking."""
        return self.hooks.perturbs and not self._frozen

    def lookup(self, rows: DistinctRows) -> Lookup:
        """Start a step: the embeddings of a training batch."""
        self.step += 1
        weight_KD = self.paid(rows.rows_K) if self.owes else self._weight_RD.index_select(0, rows.rows_K)
        return self.looked_up(rows, weight_KD, self.vectors.embedded(rows, weight_KD))

    def paid(self, rows_K: Tensor) -> Tensor:
        """The weights [K, D] of rows that this step touches, once what they owe is worked out."""
        return self._absence.pay(rows_K, self.step)

    def looked_up(self, rows: DistinctRows, weight_KD: Tensor, embedded_BFD: Tensor) -> Lookup:
        """The lookup of this step, with the history of its rows if a strategy asks for it."""
        touched = self.history.touch(rows, self.step) if self.hooked and not self._frozen else None
        return Lookup(rows, weight_KD, embedded_BFD, touched, self.epoch, self.step)

    def displaced(self, lookup: Lookup, grad_BFD: Tensor) -> Lookup | None:
        """The same lookup with its rows moved to where strategies want the gradient; None: nowhere else.

        grad_BFD: the gradient of the lookup as it was. The table stays as it is.
        """
        moved_KD = self.moved(lookup, self.vectors.by_row(lookup.rows, grad_BFD))
        if moved_KD is None:
            return None
        return replace(lookup, embedded_BFD=self.vectors.embedded(lookup.rows, moved_KD))

    def moved(self, lookup: Lookup, grad_KD: Tensor) -> Tensor | None:
        """Where strategies move the rows of a lookup, [K, D]; None: nowhere."""
        moves = self.hooks.displacements(lookup, self.history, grad_KD)
        return sum(moves, lookup.weight_KD) if moves else None

    def update(self, lookup: Lookup, grad_BFD: Tensor) -> None:
        """Finish the step: one optimiser step of the rows of a lookup."""
        self.rows_touched += len(lookup.rows.rows_K)
        if not self._frozen:
            update = self.asked(lookup, self.vectors.by_row(lookup.rows, grad_BFD))
            self.step_rows(self.store, self.state_reset_step_R, lookup.rows.rows_K, update)

    def step_rows(self, store_RS: Tensor, state_reset_step_R: Tensor, rows_K: Tensor, update: RowUpdate) -> None:
        """One step of the optimiser, of rows of these tables or of larger ones that hold them."""
        if self._optimizer.by_touch:
            state_reset_step_R[rows_K] -= 1
        step = self._optimizer.fused_step if self._compiled else self._optimizer.step
        factors = update.scale_K, update.keep_K
        step(store_RS, rows_K, update.grad_KD, state_reset_step_R, self._clock, *factors, self.spec)

    def asked(self, lookup: Lookup, grad_KD: Tensor) -> RowUpdate:
        """The update of the rows of a lookup, as strategies and decay change it."""
        update = self.hooks.update(lookup, self.history, grad_KD)
        keep_K = update.keep_K
        if (kept := self._absence.kept) is not None:
            keep_K = torch.full_like(grad_KD[:, 0], kept) if keep_K is None else keep_K * kept
        self._absence.scaled(lookup.rows.rows_K, update.scale_K)
        return replace(update, keep_K=keep_K)

    def read(self, rows_BC: Tensor, scale_BC: Tensor | None = None) -> Tensor:
        """Embeddings [B, F, D] for evaluation, of rows worked out up to this step; nothing is changed.

        scale_BC: what each row is multiplied with, 0 where rows_BC is -1.
        """
        at_BC = rows_BC if scale_BC is None else rows_BC.clamp(min=0)
        if not self._absence.active:
            return self.vectors.of(self._weight_RD, at_BC, scale_BC)
        place_BC = torch.arange(at_BC.numel(), dtype=torch.int32, device=self.device).view(at_BC.shape)
        return self.vectors.of(self._absence.weights(at_BC.reshape(-1).long(), self.step), place_BC, scale_BC)

    def weight(self, field: FieldTable) -> Tensor:
        """A copy of a field's rows, worked out up to this step."""
        return self._now(field.offset, field.offset + field.num_rows).clone()

    def train_count(self, field: FieldTable) -> Tensor:
        """A copy of how often each row of a field occurs in one pass over the training split."""
        return self.train_count_R[field.offset : field.offset + field.num_rows].clone()

    def label_counts(self) -> tuple[Tensor, Tensor]:
        """Of each row and task, int32 [R, T]: occurrences in one pass over the training split whose label is known, and
        positive ones.

        Raises:
            ValueError: the tables were made without labels.
        """
        if self._labels is None:
            raise ValueError("these tables were made without labels")
        known_RT, positive_RT = self._labels.counted()
        return known_RT.to(self.device), positive_RT.to(self.device)

    def reset(
        self, field: FieldTable, rows: Tensor | None = None, *, state: bool = True, around: Tensor | None = None,
        again: bool = False,
    ) -> None:  # fmt: skip
        """Redraw rows from the initial distribution, from the field's own random streams, and clear their state.

        again: draw what they were first.

        Raises:
            ValueError: a row is not of this field.
        """
        if self._frozen:
            return
        first, end = field.offset, field.offset + field.num_rows
        if rows is not None and len(rows) and not first <= int(rows.min()) <= int(rows.max()) < end:
            raise ValueError(f"rows {int(rows.min())} to {int(rows.max())} are not all of field '{field.name}'")
        which = slice(first, end) if rows is None else rows
        if self.step and not state:
            self._absence.settle(which, self.step)
        if again:
            first_RD = self._initial.first(field).to(self.device)
            self._weight_RD[which] = first_RD if rows is None else first_RD[rows - first]
        else:
            self._initial.draw(self._weight_RD, field, which)
        if around is not None:
            self._weight_RD[which] += around
        self.history.reset(which)
        self._absence.reset(which, self.step)
        self.row_buffer.reset(which)
        if state and self.step:
            self.store[which, self.width :] = 0
            self.state_reset_step_R[which] = self._clock

    def adopt(
        self, state: dict[str, Any], into_M: Tensor, from_M: Tensor, share_M: Tensor | None = None, *,
        optimizer: bool, counts: bool,
    ) -> None:  # fmt: skip
        """Begin, before any step, with rows of other tables: the row from_M of theirs is the row into_M here.

        state: theirs, settled. Rows that are not among into_M stay as they were drawn. share_M: how much a row takes of
        what adds up over examples: moments and squares of gradients, occurrences and buffers; None: all. optimizer:
        whether what their optimiser remembers is taken too; rows that stay as drawn are then as old as in one run,
        where they waited for their first example. counts: whether occurrences and buffers are, and absences that go on.
        """
        self.step, first = state["numbers"]["step"], torch.zeros(1, dtype=torch.int64)
        share_M = (torch.ones(len(into_M), dtype=torch.float64) if share_M is None else share_M).to(self.device)
        self._weight_RD[into_M] = state["store"][from_M, : self.width].to(self.device)
        self.state_reset_step_R.fill_(0 if optimizer else self._clock)
        if optimizer:
            self._adopt_optimizer(state, into_M, from_M, share_M)
        if counts:
            self.history.adopt(state["parts"]["history"], into_M, from_M, share_M)
            self.row_buffer.adopt(state["parts"]["row_buffer"], into_M, from_M, share_M)
            self.run_buffer.adopt(state["parts"]["run_buffer"], first, first, share_M.new_ones(1))
        self._absence.adopt(state["parts"]["_absence"], into_M, from_M, self.step, counts=counts)
        self._initial.begin_with(self._weight_RD)

    def _adopt_optimizer(self, state: dict[str, Any], into_M: Tensor, from_M: Tensor, share_M: Tensor) -> None:
        kept_MS = state["store"][from_M, self.width :].to(self.device)
        self.store[into_M, self.width :] = kept_MS * share_M[:, None].float()
        reset_M = state["state_reset_step_R"][from_M].to(self.device)
        if self._optimizer.by_touch:  # touches, counted backwards from 0, which add up too
            reset_M = (reset_M * share_M).round().int()
        self.state_reset_step_R[into_M] = reset_M

    @property
    def begun_RD(self) -> Tensor | None:
        """The weights of all rows that training began with; None: they were drawn."""
        return self._initial.begun_RD

    def begin_with(self, weight_RD: Tensor) -> None:
        """Begin, before any step, with these weights of all rows."""
        self._weight_RD.copy_(weight_RD)
        self._initial.begin_with(self._weight_RD)

    def settle(self) -> None:
        """Work out all rows, and what the optimiser remembers of them, up to this step."""
        self._absence.settle(slice(None), self.step)

    def freeze(self) -> None:
        """No update or reset from here on; absent rows are worked out up to this step, and stay."""
        self._absence.stop(self.step)
        self._frozen = True

    def state(self) -> dict[str, Any]:
        """All that changes in training."""
        return {
            "store": self.store,
            "state_reset_step_R": self.state_reset_step_R,
            "numbers": {name: getattr(self, name) for name in ("epoch", "step", "rows_touched", "_frozen")},
            "parts": {name: part.state() for name, part in self._parts().items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.store.copy_(state["store"])
        self.state_reset_step_R.copy_(state["state_reset_step_R"])
        vars(self).update(state["numbers"])
        for name, part in self._parts().items():
            part.restore(state["parts"][name])

    def _parts(self) -> dict[str, Part]:
        """Every attribute that has a state, so that a new one cannot be forgotten."""
        return {name: part for name, part in vars(self).items() if hasattr(part, "restore")}

    @property
    def _clock(self) -> int:
        """What the age of a row is counted to, from its state's reset; it stands where each touch sets that back."""
        return 0 if self._optimizer.by_touch else self.step

    @property
    def _weight_RD(self) -> Tensor:
        """The weights as they are stored: a view."""
        return self.store[:, : self.width]

    def _now(self, first: int, end: int) -> Tensor:
        """The weights of rows from `first` on, before `end`, worked out up to this step: a view where all are."""
        if not self._absence.active:
            return self._weight_RD[first:end]
        return self._absence.weights(torch.arange(first, end, device=self.device), self.step)
