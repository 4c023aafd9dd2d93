"""Rows that never hold the label of the example that reads them.

Every training example belongs to one of two halves, and each half has tables of its own, which it alone trains. The net
learns on an example from the rows of the other half, as in cross-fitting (Chernozhukov et al. 2018). So in no epoch it
meets a row that holds the label to be told, and rows may learn in all of them, if the gradient is that of their own
half. Predictions read both halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from harness.api import Strategy
from harness.base import seeds
from harness.engine.batch import Batch
from harness.engine.batches import Batches
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.trainer import Trainer, loss_and_gradient

Gradient = Literal["own", "tangent", "other"]
"""Where the gradient is taken that steps a row: at the row itself, in a second pass; there too, but of the net's
tangent at the other half's row, which needs no second pass; or at the other half's row. That one takes labels back to
where they are read: rows of a half then learn what those of the other lack, which hold them."""
Read = Literal["mean", "sum", "evidence"]
"""How much of what their rows differ from the mean row of the field is read of both halves: half, all, or the share
that leaves a running mean of the examples of both."""


class Halves:
    """The tables of both halves, with the net of a trainer that has not begun. seed: that of the trainer.

    Raises:
        ValueError: a tangent is asked for with more than one task; it would take a pass for each.
    """

    def __init__(self, trainer: Trainer, gradient: Gradient, seed: int) -> None:
        if gradient == "tangent" and len(trainer.dataset.tasks) > 1:
            raise ValueError(f"a tangent with the tasks {', '.join(trainer.dataset.tasks)}; accepted: one task")
        self._trainer, self._gradient, self._seed = trainer, gradient, seed
        self.tables = (trainer.tables, self._new(trainer.strategies))
        train, size = trainer.dataset.train, trainer.train.batch_size
        half_N = seeds.generator(seed, "halves").permutation(len(train)) % 2
        parts = [train.take(np.flatnonzero(half_N == half)) for half in range(2)]
        self.batches = [
            Batches(part, trainer.mapping, size, len(part), seed + half, trainer.tables.device)
            for half, part in enumerate(parts)
        ]

    def epoch(self, number: int) -> None:
        """Train on every example once; batches of the halves take turns."""
        for tables in self.tables:
            tables.epoch = number
        for pair in zip_longest(*(batches.epoch(number) for batches in self.batches)):
            for half, batch in enumerate(pair):
                if batch is not None:
                    self.step(half, batch)

    def step(self, half: int, batch: Batch) -> None:
        """Train the net on the rows of the other half, and the rows of this one."""
        net, optimizer = self._trainer.net, self._trainer.optimizer
        lookup = self.tables[half].lookup(batch.rows)
        own_BFD, other_BFD = lookup.embedded_BFD, self.tables[1 - half].read(batch.rows.rows_BC, batch.rows.scale_BC)
        logit_BT = net(other_BFD.requires_grad_())
        residual_BT = _residual(logit_BT, batch)
        optimizer.zero_grad()
        torch.autograd.backward(logit_BT, residual_BT)
        assert other_BFD.grad is not None
        grad_BFD = other_BFD.grad
        if self._gradient == "own":
            again_BT = net(own_BFD)
            (grad_BFD,) = torch.autograd.grad(again_BT, own_BFD, _residual(again_BT, batch))
        elif self._gradient == "tangent":
            slope_BFD = grad_BFD / residual_BT.where(residual_BT != 0, 1)[:, :, None]
            move_B = (slope_BFD * (own_BFD - other_BFD).detach()).sum((1, 2))
            grad_BFD = slope_BFD * _residual(logit_BT + move_B[:, None], batch)[:, :, None]
        self.tables[half].update(lookup, grad_BFD)
        optimizer.step()

    def read(self, how: Read) -> EmbeddingTables:
        """Both halves as one. Rows that no example trains are read as they began.

        Raises:
            ValueError: the evidence is asked for of rows that are not stepped by `running_mean`.
        """
        weight_2RD = torch.stack([tables.weight_RD for tables in self.tables])
        found_RD = weight_2RD.mean(0)
        if how != "mean":
            share_2R1 = self._shares() if how == "evidence" else torch.ones(2, len(found_RD), 1)
            for field in self._trainer.mapping.tables:
                part = slice(field.offset, field.offset + field.num_rows)
                trained_R = self._trainer.tables.train_count(field) > 0
                mean_21D = weight_2RD[:, part][:, trained_R].mean(1, keepdim=True)
                read_RD = mean_21D.mean(0) + (share_2R1[:, part] * (weight_2RD[:, part] - mean_21D)).sum(0)
                found_RD[part][trained_R] = read_RD[trained_R]
        merged = self._new([])
        merged.begin_with(found_RD)
        return merged

    def _new(self, strategies: Sequence[Strategy]) -> EmbeddingTables:
        """Tables as the trainer's are before the first step."""
        its = self._trainer
        return EmbeddingTables(its.mapping, its.tables.spec, its.tables.width, strategies, self._seed)

    def _shares(self) -> Tensor:
        """(n + k) / (n of both halves + k), [2, R, 1]: for a running mean is shrunk as if by k examples of zero."""
        strategies = self._trainer.strategies
        if [strategy.name for strategy in strategies] != ["running_mean"]:
            raise ValueError(
                f"the evidence of {'+'.join(s.name for s in strategies) or 'none'}; accepted: running_mean"
            )
        seen_2R, k = torch.stack([tables.history.seen_R for tables in self.tables]), vars(strategies[0])["prior_count"]
        share_2R: Tensor = (seen_2R + k) / (seen_2R.sum(0) + k)
        return share_2R[:, :, None]


def _residual(logit_BT: Tensor, batch: Batch) -> Tensor:
    """The gradient of the loss at the logits."""
    return loss_and_gradient(logit_BT.detach(), batch.labels_BT, batch.known_BT)[1]
