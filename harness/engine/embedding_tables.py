"""The fused embedding table of all fields, stepped on the rows of the batch alone.

Weights and optimiser state of a row lie side by side in one array, so that a step costs one gather and one pass over
the touched rows, whatever the number of fields and rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor

from harness.api import FieldTable, RowStep, Strategy, TableSpec, UserError, defining
from harness.base import seeds
from harness.base.errors import unknown
from harness.engine import kernels, memory
from harness.engine.batches import Rows
from harness.engine.row_mapping import RowMapping
from harness.engine.row_optimizers import OPTIMIZERS

LAST, SEEN, TRAIN = range(3)
"""Columns of a row's history, which only hooks read: the last step that touched it, and its occurrences in training so
far and in one pass over the training split."""
CHUNK = 1 << 16
"""Rows that one random stream draws."""


class EmbeddingTables:
    """R rows of width D with a row-sparse optimiser; `lookup` then `update`, once each per step."""

    def __init__(
        self, mapping: RowMapping, spec: TableSpec, width: int, strategies: Sequence[Strategy], seed: int,
        device: torch.device | None = None,
    ) -> None:  # fmt: skip
        if spec.optimizer not in OPTIMIZERS:
            raise unknown("table optimizer", spec.optimizer, OPTIMIZERS)
        if not 0 <= spec.lr * spec.decay < 1:
            raise UserError(f"table lr {spec.lr:g} times decay {spec.decay:g} is not in [0, 1)")
        self.fields = mapping.fields
        self.spec, self.width, self.seed = spec, width, seed
        self.device = device or torch.device("cpu")
        self.epoch, self.step, self.rows_touched = 0, 0, 0
        self._frozen, self._decays = False, spec.decay > 0
        self.fused = self.device.type == "cpu"
        self._optimizer = OPTIMIZERS[spec.optimizer]
        self._column_field_C = mapping.column_field_C.to(self.device)
        self._hooks, self._perturbs = defining("on_rows", strategies), defining("perturb", strategies)
        self._told: tuple[Tensor, Tensor] | None = None
        counted = bool(self._hooks or self._perturbs)
        self._draws: dict[str, int] = {}
        rows = mapping.num_rows
        columns = width + self._optimizer.columns(width)
        zeros = partial(memory.zeros, device=self.device)
        self.store = zeros(rows, columns)
        self._born_R = zeros(rows, dtype=torch.int32)
        self._history_RH = zeros(rows if counted else 0, 3, dtype=torch.int32)
        self._decayed_R = zeros(rows if spec.decay else 0, dtype=torch.int32)
        self.memos: dict[str, Tensor] = {}
        self._offset_F = torch.tensor([f.offset for f in self.fields], device=self.device)
        self.train_count_R = mapping.train_count_R.to(self.device)
        if counted:
            self._history_RH[:, TRAIN] = mapping.train_count_R
            self._train_max_F = torch.stack(
                [mapping.train_count_R[f.offset : f.offset + f.num_rows].max() for f in self.fields]
            ).to(self.device, torch.int64)
            self.seen_max_F = torch.zeros_like(self._train_max_F)
        for field in self.fields:
            self.reset(field)

    @property
    def weight_RD(self) -> Tensor:
        """The weights of every row, less the decay that absent rows still owe."""
        weight_RD = self.store[:, : self.width]
        return weight_RD * self._catch_up(self._decayed_R, self.step)[:, None] if self._decays else weight_RD

    @property
    def stepped(self) -> tuple[Tensor, Tensor]:
        """The rows of the last lookup, [K], and their weights before its step, [K, D]."""
        return self._rows.rows_K, self._weight_KD

    @property
    def stepped_BFD(self) -> Tensor:
        """The last lookup, displaced if it was: where the net took the gradient that it learnt from."""
        return self._embed(self._learnt_KD).detach()

    @property
    def perturbed(self) -> bool:
        """Whether `displaced` is worth asking."""
        return bool(self._perturbs) and not self._frozen

    @property
    def seen_R(self) -> Tensor:
        """Occurrences of every row in training so far; counted only where a strategy has a hook on rows."""
        return self._history_RH[:, SEEN]

    def lookup(self, rows: Rows) -> Tensor:
        """Embeddings of a training batch: a leaf [B, F, D] whose `.grad` goes to `update`."""
        self.step += 1
        self._rows, self._told = rows, None
        weight_RD = self.store[:, : self.width]
        self._weight_KD = weight_RD.index_select(0, rows.rows_K)
        if self._decays:
            self._weight_KD *= self._catch_up(self._decayed_R.index_select(0, rows.rows_K), self.step - 1)[:, None]
            weight_RD.index_copy_(0, rows.rows_K, self._weight_KD)
            self._decayed_R.index_fill_(0, rows.rows_K, self.step)
        self._learnt_KD = self._weight_KD
        return self._embed(self._weight_KD)

    def displaced(self, grad_BFD: Tensor) -> Tensor | None:
        """The last lookup with its rows moved to where strategies want the gradient; None: nowhere else.

        grad_BFD: the gradient of the lookup as it was. The table stays as it is.
        """
        step = self._row_step(self._sum_by_row(grad_BFD))
        moves = [move_KD for s in self._perturbs if (move_KD := s.perturb(step)) is not None]
        if not moves:
            return None
        self._learnt_KD = sum(moves, self._weight_KD)
        return self._embed(self._learnt_KD)

    def update(self, grad_BFD: Tensor) -> None:
        """One optimiser step on the rows of the last lookup."""
        rows_K = self._rows.rows_K
        self.rows_touched += len(rows_K)
        if self._frozen:
            return
        grad_KD = self._sum_by_row(grad_BFD)
        scale_K, keep_K = None, None
        if self._hooks:
            step = reduce(lambda s, strategy: strategy.on_rows(s), self._hooks, self._row_step(grad_KD))
            grad_KD, scale_K = step.grad_KD, step.lr_scale_K
            keep_K = None if step.decay_K is None else 1 - step.decay_K
        if self.spec.decay:
            every = 1 - self.spec.lr * self.spec.decay
            keep_K = torch.full_like(grad_KD[:, 0], every) if keep_K is None else keep_K * every
        step_rows = self._optimizer.fused_step if self.fused else self._optimizer.step
        step_rows(self.store, rows_K, grad_KD, self._born_R, self.step, scale_K, keep_K, self.spec)

    def read(self, rows_BC: Tensor) -> Tensor:
        """Embeddings [B, F, D] for evaluation, less the decay that absent rows still owe; nothing is changed."""
        rows_I = rows_BC.reshape(-1)
        embedded_ID = self.store[:, : self.width].index_select(0, rows_I)
        if self._decays:
            embedded_ID *= self._catch_up(self._decayed_R.index_select(0, rows_I), self.step)[:, None]
        return self._to_fields(embedded_ID.view(*rows_BC.shape, self.width))

    def weight(self, field: FieldTable) -> Tensor:
        """A copy of a field's rows, less the decay they owe."""
        return self.weight_RD[field.offset : field.offset + field.num_rows].clone()

    def train_count(self, field: FieldTable) -> Tensor:
        """Occurrences of each row of a field in one pass over the training split."""
        return self.train_count_R[field.offset : field.offset + field.num_rows]

    def reset(
        self, field: FieldTable, rows: Tensor | None = None, *, state: bool = True, around: Tensor | None = None
    ) -> None:
        """Redraw rows from the initial distribution, from the field's own random streams, and clear their state."""
        if self._frozen:
            return
        draw = self._draws[field.name] = self._draws.get(field.name, -1) + 1
        first, end = field.offset, field.offset + field.num_rows
        if rows is not None and len(rows) and not first <= int(rows.min()) <= int(rows.max()) < end:
            raise ValueError(f"rows {int(rows.min())} to {int(rows.max())} are not all of field '{field.name}'")
        which = slice(first, end) if rows is None else rows
        self._draw(which, (self.seed, "table", field.name, draw))
        if around is not None:
            self.store[which, : self.width] += around
        if len(self._history_RH):
            self._history_RH[which, LAST] = 0
        if self.spec.decay:
            self._decayed_R[which] = self.step
        for memo in self.memos.values():
            memo[which] = 0
        if state and self.step:
            self.store[which, self.width :] = 0
            self._born_R[which] = self.step

    def memo(self, name: str) -> Tensor:
        """A float32 buffer [R], zero at first, kept by the harness."""
        if name not in self.memos:
            self.memos[name] = torch.zeros(len(self.store), device=self.device)
        return self.memos[name]

    def freeze(self) -> None:
        """No update or reset from here on, and no decay after what rows owe by now."""
        if self._decays:
            self.store[:, : self.width] = self.weight_RD
        self._frozen, self._decays = True, False

    def state(self) -> dict[str, Any]:
        """All that changes in training."""
        return {
            "tensors": self._tensors(), "memos": self.memos, "draws": self._draws,
            "numbers": {name: getattr(self, name) for name in ("epoch", "step", "rows_touched", "_frozen", "_decays")},
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        for name, tensor in self._tensors().items():
            tensor.copy_(state["tensors"][name])
        self.memos = {name: memo.to(self.device) for name, memo in state["memos"].items()}
        self._draws = state["draws"]
        vars(self).update(state["numbers"])

    def _tensors(self) -> dict[str, Tensor]:
        """store_RS, born_R, history_RH, decayed_R and seen_max_F."""
        named = {"store": self.store, "born": self._born_R, "history": self._history_RH, "decayed": self._decayed_R}
        return named | ({"seen_max": self.seen_max_F} if len(self._history_RH) else {})

    def _draw(self, which: Tensor | slice, stream: tuple[int, str, str, int]) -> None:
        """Initial weights, in chunks with a random stream each, so that threads can share the work."""
        count = which.stop - which.start if isinstance(which, slice) else len(which)

        def draw(at: int) -> None:
            size = min(CHUNK, count - at)
            drawn = torch.randn((size, self.width), generator=seeds.torch_generator(*stream, at)) * self.spec.init_std
            shift = which.start + at if isinstance(which, slice) else at
            part = slice(shift, shift + size)
            self.store[part if isinstance(which, slice) else which[part], : self.width] = drawn.to(self.device)

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(draw, range(0, count, CHUNK)))

    def _embed(self, weight_KD: Tensor) -> Tensor:
        """A leaf [B, F, D] of these weights of the looked-up rows."""
        embedded_ID = weight_KD.index_select(0, self._rows.inverse_I)
        return self._to_fields(embedded_ID.view(*self._rows.rows_BC.shape, self.width)).requires_grad_()

    def _to_fields(self, embedded_BCD: Tensor) -> Tensor:
        """Sum the rows that belong to one field."""
        batch, columns, width = embedded_BCD.shape
        if columns == len(self.fields):
            return embedded_BCD
        out = torch.zeros(batch, len(self.fields), width, device=self.device)
        return out.index_add_(1, self._column_field_C, embedded_BCD)

    def _sum_by_row(self, grad_BFD: Tensor) -> Tensor:
        if len(self._column_field_C) != len(self.fields):
            grad_BFD = grad_BFD.index_select(1, self._column_field_C)
        grad_ID = grad_BFD.reshape(-1, self.width)
        inverse_I, out_KD = self._rows.inverse_I, grad_ID.new_empty(len(self._rows.rows_K), self.width)
        if not self.fused:
            return out_KD.zero_().index_add_(0, inverse_I, grad_ID)
        kernels.apply(kernels.segment_sum, grad_ID, inverse_I, out_KD)
        return out_KD

    def _touch(self) -> tuple[Tensor, Tensor]:
        """Count the batch in the history of its rows. What hooks are told: [H, K], with the last step before this one,
        and the field of each row."""
        rows = self._rows
        if self.fused:
            told_HK = torch.empty(3, len(rows.rows_K), dtype=torch.int64)
            field_K = torch.empty_like(rows.rows_K)
            kernels.apply(
                kernels.touch, self._history_RH, rows.rows_K, rows.count_K, self.step,
                self._offset_F, told_HK, field_K, self.seen_max_F,
            )  # fmt: skip
            return told_HK, field_K
        history_KH = self._history_RH.index_select(0, rows.rows_K)
        history_KH[:, SEEN] += rows.count_K
        told_HK = history_KH.t().long()
        history_KH[:, LAST] = self.step
        self._history_RH.index_copy_(0, rows.rows_K, history_KH)
        field_K = torch.bucketize(rows.rows_K, self._offset_F, right=True) - 1
        self.seen_max_F.scatter_reduce_(0, field_K, told_HK[SEEN], "amax")
        return told_HK, field_K

    def _row_step(self, grad_KD: Tensor) -> RowStep:
        """What hooks are told of the rows of the last lookup, which are counted once."""
        self._told = self._told or self._touch()
        told_HK, field_K = self._told
        return RowStep(
            rows_K=self._rows.rows_K,
            field_K=field_K,
            weight_KD=self._weight_KD,
            grad_KD=grad_KD,
            batch_count_K=self._rows.count_K,
            seen_K=told_HK[SEEN],
            train_count_K=told_HK[TRAIN],
            last_step_K=told_HK[LAST],
            seen_max_F=self.seen_max_F,
            train_max_F=self._train_max_F,
            examples=len(self._rows.rows_BC),
            lr=self.spec.lr,
            epoch=self.epoch,
            step=self.step,
            memo=self.memo,
        )

    def _catch_up(self, last_step: Tensor, until: int) -> Tensor:
        """(1 - lr * decay) ** (steps missed)."""
        return torch.exp((until - last_step).clamp_(min=0) * math.log1p(-self.spec.lr * self.spec.decay))
