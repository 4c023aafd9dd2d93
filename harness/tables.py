"""The fused embedding table of all fields, stepped on the rows of the batch alone.

Weights and optimiser state of a row lie side by side in one array, so that a step is one gather and one scatter
whatever the number of fields and rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from harness import seeds
from harness.api import FieldTable, RowStep, Strategy, TableSpec, UserError
from harness.encode import Encoding
from harness.kernels import Distinct, segment_sum
from harness.optim import OPTIMIZERS
from harness.plugin import unknown


class EmbeddingTables:
    """R rows of width D with a row-sparse optimiser; `lookup` then `update`, once each per step."""

    def __init__(
        self, encoding: Encoding, spec: TableSpec, width: int, strategies: Sequence[Strategy], seed: int
    ) -> None:
        if spec.optimizer not in OPTIMIZERS:
            raise unknown("table optimizer", spec.optimizer, OPTIMIZERS)
        if not 0 <= spec.lr * spec.decay < 1:
            raise UserError(f"table lr {spec.lr:g} times decay {spec.decay:g} is not in [0, 1)")
        self.fields = encoding.fields
        self.spec, self.width, self.seed = spec, width, seed
        self.epoch, self.step, self.rows_touched = 0, 0, 0
        self._optimizer = OPTIMIZERS[spec.optimizer]
        self._column_field_C = encoding.column_field_C
        self._hooks = [s for s in strategies if type(s).on_rows is not Strategy.on_rows]
        self._draws: dict[str, int] = {}
        rows = encoding.num_rows
        self._distinct = Distinct(rows, torch.device("cpu"))
        self.store = torch.zeros(rows, width + self._optimizer.columns(width))
        self.born_R = torch.zeros(rows, dtype=torch.int32)
        self.last_step_R = torch.zeros(rows, dtype=torch.int32)
        self._decayed_R = torch.zeros(rows if spec.decay else 0, dtype=torch.int32)
        self.seen_R = torch.zeros(rows, dtype=torch.int64)
        self.memos: dict[str, Tensor] = {}
        self._train_count_R = encoding.train_count_R
        self._field_R = torch.repeat_interleave(
            torch.arange(len(self.fields), dtype=torch.int16), torch.tensor([f.num_rows for f in self.fields])
        )
        self._train_max_F = self._field_max(self._train_count_R)
        self.seen_max_F = torch.zeros_like(self._train_max_F)
        for field in self.fields:
            self.reset(field)

    @property
    def weight_RD(self) -> Tensor:
        """The weights of every row, less the decay that absent rows still owe."""
        weight_RD = self.store[:, : self.width]
        return weight_RD * self._catch_up(self._decayed_R, self.step)[:, None] if self.spec.decay else weight_RD

    def lookup(self, rows_BC: Tensor) -> Tensor:
        """Embeddings of a training batch: a leaf [B, F, D] whose `.grad` goes to `update`."""
        self.step += 1
        self._rows_K, self._inverse_I, self._count_K = self._distinct(rows_BC.reshape(-1))
        self._block_KS = self.store.index_select(0, self._rows_K)
        weight_KD = self._block_KS[:, : self.width]
        if self.spec.decay:
            weight_KD.mul_(self._catch_up(self._decayed_R.index_select(0, self._rows_K), self.step - 1)[:, None])
        embedded = weight_KD.index_select(0, self._inverse_I).view(*rows_BC.shape, self.width)
        return self._to_fields(embedded).requires_grad_()

    def update(self, grad_BFD: Tensor) -> None:
        """One optimiser step on the rows of the last lookup."""
        grad_BCD = grad_BFD
        if len(self._column_field_C) != len(self.fields):
            grad_BCD = grad_BFD.index_select(1, self._column_field_C)
        grad_KD = segment_sum(grad_BCD.reshape(-1, self.width), self._inverse_I, len(self._rows_K))
        weight_KD, state_KS = self._block_KS[:, : self.width], self._block_KS[:, self.width :]
        step = self._apply_hooks(weight_KD, grad_KD) if self._hooks else None
        age_K = (self.step - self.born_R.index_select(0, self._rows_K)).float()
        update_KD = self._optimizer.step(grad_KD if step is None else step.grad_KD, state_KS, age_K, self.spec)
        if step is not None and step.lr_scale_K is not None:
            update_KD *= step.lr_scale_K[:, None]
        if step is not None and step.decay_K is not None:
            weight_KD.mul_(1 - step.decay_K[:, None])
        if self.spec.decay:
            weight_KD.mul_(1 - self.spec.lr * self.spec.decay)
            self._decayed_R.index_fill_(0, self._rows_K, self.step)
        weight_KD.sub_(update_KD)
        if self._hooks:
            self.last_step_R.index_fill_(0, self._rows_K, self.step)
        self.store.index_copy_(0, self._rows_K, self._block_KS)
        self.rows_touched += len(self._rows_K)

    def read(self, rows_BC: Tensor) -> Tensor:
        """Embeddings [B, F, D] for evaluation, less the decay that absent rows still owe; nothing is changed."""
        rows_I = rows_BC.reshape(-1)
        embedded = self.store[:, : self.width].index_select(0, rows_I)
        if self.spec.decay:
            embedded = embedded * self._catch_up(self._decayed_R.index_select(0, rows_I), self.step)[:, None]
        return self._to_fields(embedded.reshape(*rows_BC.shape, self.width))

    def reset(self, field: FieldTable, rows: Tensor | None = None, *, state: bool = True) -> None:
        """Redraw rows from the initial distribution, from the field's own random stream, and clear their state."""
        draw = self._draws[field.name] = self._draws.get(field.name, -1) + 1
        random = seeds.torch_generator(self.seed, "table", field.name, draw)
        if rows is None:
            rows = torch.arange(field.offset, field.offset + field.num_rows)
        elif len(rows) and not field.offset <= int(rows.min()) <= int(rows.max()) < field.offset + field.num_rows:
            raise ValueError(f"rows {int(rows.min())} to {int(rows.max())} are not all of field '{field.name}'")
        self.store[rows, : self.width] = torch.randn((len(rows), self.width), generator=random) * self.spec.init_std
        self.last_step_R[rows] = 0
        if self.spec.decay:
            self._decayed_R[rows] = self.step
        for memo in self.memos.values():
            memo[rows] = 0
        if state:
            self.store[rows, self.width :] = 0
            self.born_R[rows] = self.step

    def memo(self, name: str) -> Tensor:
        """A float32 buffer [R], zero at first, kept by the harness."""
        return self.memos.setdefault(name, torch.zeros(len(self.store)))

    def _to_fields(self, embedded_BCD: Tensor) -> Tensor:
        """Sum the rows that belong to one field."""
        batch, columns, width = embedded_BCD.shape
        if columns == len(self.fields):
            return embedded_BCD
        out = torch.zeros(batch, len(self.fields), width)
        return out.index_add_(1, self._column_field_C, embedded_BCD)

    def _apply_hooks(self, weight_KD: Tensor, grad_KD: Tensor) -> RowStep:
        rows = self._rows_K
        field_K = self._field_R.index_select(0, rows).long()
        seen_K = self.seen_R.index_select(0, rows) + self._count_K
        self.seen_R.index_copy_(0, rows, seen_K)
        self.seen_max_F.scatter_reduce_(0, field_K, seen_K, "amax")
        step = RowStep(
            rows_K=rows,
            field_K=field_K,
            weight_KD=weight_KD,
            grad_KD=grad_KD,
            batch_count_K=self._count_K,
            seen_K=seen_K,
            train_count_K=self._train_count_R.index_select(0, rows),
            last_step_K=self.last_step_R.index_select(0, rows),
            seen_max_F=self.seen_max_F,
            train_max_F=self._train_max_F,
            lr=self.spec.lr,
            epoch=self.epoch,
            step=self.step,
        )
        return reduce(lambda s, strategy: strategy.on_rows(s), self._hooks, step)

    def _catch_up(self, last_step: Tensor, until: int) -> Tensor:
        """(1 - lr * decay) ** (steps missed)."""
        return torch.exp((until - last_step).clamp_(min=0) * math.log1p(-self.spec.lr * self.spec.decay))

    def _field_max(self, count_R: Tensor) -> Tensor:
        return torch.stack([count_R[f.offset : f.offset + f.num_rows].max() for f in self.fields])
