"""Batches of S runs as one: the examples of one run after those of the other, and the tasks of all side by side.

Each of the S * T tasks is that of one run, so that its loss is a mean over the batch of that run alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from harness.base.ahead import ahead
from harness.engine.batches import AHEAD, Batch, Batches, DistinctRows


@dataclass(frozen=True)
class GroupRows(DistinctRows):
    """The fused rows of S batches, one run after the other; rows_K are those of tables that lie end to end."""

    sizes_S: tuple[int, ...] = ()
    """How many of the K rows each run has."""
    first_S: tuple[int, ...] = ()
    """Where its table begins."""

    @property
    def of_runs(self) -> list[DistinctRows]:
        """What hooks of each run are shown: rows of its own table, without their places in its batch."""
        rows, counts = self.rows_K.split_with_sizes(self.sizes_S), self.count_K.split_with_sizes(self.sizes_S)
        parts = zip(rows, self.first_S, counts, self.rows_BC.chunk(len(self.sizes_S)), strict=True)
        return [
            DistinctRows(rows_BC, rows_K - first, rows_BC[:0], count_K) for rows_K, first, count_K, rows_BC in parts
        ]


class GroupBatches:
    """As `Batches`, of runs that all have as many. first_S: where the table of each begins, among those of all."""

    def __init__(self, each: Sequence[Batches], first_S: Sequence[int], device: torch.device) -> None:
        self._each, self._first_S, self._device = tuple(each), tuple(first_S), device

    def __len__(self) -> int:
        return len(self._each[0])

    def epoch(self, epoch: int, done: int = 0) -> Iterator[Batch]:
        """As that of `Batches`; for a GPU a thread for each run makes its batches, and one puts them together."""
        orders = [batches.on_cpu(epoch, done) for batches in self._each]
        if self._device.type == "cpu":
            return self._together(orders)
        return ahead(self._together([ahead(order, AHEAD) for order in orders]), AHEAD)

    def _together(self, orders: Sequence[Iterator[Batch]]) -> Iterator[Batch]:
        for parts in zip(*orders, strict=True):
            yield side_by_side(parts, self._first_S).to(self._device)


def side_by_side(parts: Sequence[Batch], first_S: tuple[int, ...]) -> Batch:
    """The batches of all runs, equally long, as one."""
    rows, sizes_S = [part.rows for part in parts], tuple(len(part.rows.rows_K) for part in parts)
    places = zip(rows, accumulate(sizes_S, initial=0), strict=False)
    together = GroupRows(
        rows_BC=torch.cat([each.rows_BC for each in rows]),
        rows_K=torch.cat([each.rows_K + first for each, first in zip(rows, first_S, strict=True)]),
        inverse_I=torch.cat([each.inverse_I + place for each, place in places]),
        count_K=torch.cat([each.count_K for each in rows]),
        scale_BC=_beside([each.scale_BC for each in rows], dim=0),
        sizes_S=sizes_S,
        first_S=first_S,
    )
    labels_BT = torch.cat([part.labels_BT for part in parts], dim=1)
    return Batch(together, labels_BT, _beside([part.known_BT for part in parts], dim=1))


def _beside(tensors: Sequence[Tensor | None], dim: int) -> Tensor | None:
    """None where no run has any; all have, or none."""
    there = [tensor for tensor in tensors if tensor is not None]
    assert len(there) in (0, len(tensors))
    return torch.cat(there, dim=dim) if there else None
