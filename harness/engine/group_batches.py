"""Batches of S runs as one: the examples of one run after those of the other, and the tasks of all side by side.

Each of the S * T tasks is that of one run, so that its loss is a mean over the batch of that run alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from harness.base.ahead import ahead
from harness.engine.batch import Batch, GroupRows
from harness.engine.batches import AHEAD, Batches
from harness.engine.device import made_aside
from harness.engine.resident import Resident, resident


class GroupBatches:
    """As `Batches`, of runs that all have as many. first_S: where the table of each begins, among those of all."""

    def __init__(self, each: Sequence[Batches], first_S: Sequence[int], device: torch.device) -> None:
        self._each, self._first_S, self._device = tuple(each), tuple(first_S), device

    def __len__(self) -> int:
        return len(self._each[0])

    def epoch(self, epoch: int, done: int = 0) -> Iterator[Batch]:
        """As that of `Batches`. Made here for a GPU, those of each run have a thread, and one puts them together."""
        if self._device.type != "cpu" and self._resident:
            batches = self._resident.batches([batches.order(epoch, done) for batches in self._each])
            return made_aside(batches, self._device)
        orders = [batches.on_cpu(epoch, done) for batches in self._each]
        if self._device.type == "cpu":
            return self._together(orders)
        return ahead(self._together([ahead(order, AHEAD) for order in orders]), AHEAD)

    @cached_property
    def _resident(self) -> Resident | None:
        return resident([batches.examples for batches in self._each], self._device)

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
