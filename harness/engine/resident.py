"""Batches made on a GPU, in whose memory the examples lie.

They are those that `Batches` makes on the CPU, bit for bit: the same examples, and their distinct rows in order of
first occurrence. How many distinct rows a batch has, the host must ask: so they are made ahead of training, which asks
for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from harness.engine.batch import Batch, DistinctRows, GroupRows

NOWHERE = 2**31 - 1
SHARE = 0.25
"""Of the free memory of a GPU: what examples may take."""


@dataclass(frozen=True)
class Examples:
    """All N examples of a run, as far as batches are made of them."""

    rows_NC: Tensor
    """int32: the fused rows of single ids."""
    labels_NT: Tensor
    """uint8."""
    known_NT: Tensor | None
    """bool. None: all labels are known."""
    weight_N: Tensor | None
    """float32. None: all count alike."""
    num_rows: int
    """R, of the table."""
    batch_size: int

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}

    def fit(self, device: torch.device, runs: int) -> bool:
        """Whether those of so many runs may lie in the memory of a GPU."""
        size = sum(tensor.nbytes for tensor in self.tensors.values())
        return runs * size <= SHARE * torch.cuda.mem_get_info(device)[0]

    def to(self, device: torch.device) -> Examples:
        return Examples(**(vars(self) | {name: tensor.to(device) for name, tensor in self.tensors.items()}))


class Resident:
    """The batches of S runs, whose tables lie end to end; of one run alone, those of its table."""

    def __init__(self, each: Sequence[Examples], device: torch.device) -> None:
        self._each = [examples.to(device) for examples in each]
        *self._first_S, rows = accumulate((run.num_rows for run in each), initial=0)
        self._where_R = torch.full((rows,), NOWHERE, dtype=torch.int32, device=device)
        """Where in a batch each row is first looked up."""

    def batches(self, orders: Sequence[Tensor]) -> Iterator[Batch]:
        """Of the examples at these places, [N], of each run."""
        (batch_size,) = {run.batch_size for run in self._each}
        orders = [order_N.to(self._where_R.device) for order_N in orders]
        for at_SB in zip(*(torch.split(order_N, batch_size) for order_N in orders), strict=True):
            yield self._batch(list(zip(self._each, at_SB, strict=True)))

    def _batch(self, parts: Sequence[tuple[Examples, Tensor]]) -> Batch:
        known = [run.known_NT.index_select(0, at_B) for run, at_B in parts if run.known_NT is not None]
        weight = [run.weight_N.index_select(0, at_B) for run, at_B in parts if run.weight_N is not None]
        return Batch(
            self._distinct([run.rows_NC.index_select(0, at_B) for run, at_B in parts]),
            torch.cat([run.labels_NT.index_select(0, at_B) for run, at_B in parts], dim=1).float(),
            torch.cat(known, dim=1).float() if known else None,
            weight_B=weight[0] if weight else None,
        )

    def _distinct(self, rows: Sequence[Tensor]) -> DistinctRows:
        """Of the rows [B, C] of each run. Places where a row is looked up first, counted, rank the distinct rows."""
        rows_I = torch.cat([each.flatten().long() + first for each, first in zip(rows, self._first_S, strict=True)])
        place_I = torch.arange(len(rows_I), dtype=torch.int32, device=rows_I.device)
        first_I = self._where_R.scatter_reduce_(0, rows_I, place_I, "amin").index_select(0, rows_I)
        self._where_R.index_fill_(0, rows_I, NOWHERE)
        rank_I = (first_I == place_I).cumsum(0, dtype=torch.int32)
        inverse_I = rank_I.index_select(0, first_I) - 1
        at_I = inverse_I.long()
        found_I = torch.empty_like(rows_I).scatter_(0, at_I, rows_I)
        count_I = torch.zeros_like(inverse_I).scatter_add_(0, at_I, torch.ones_like(inverse_I))
        found_S = rank_I.view(len(rows), -1)[:, -1].tolist()
        whole = torch.cat(list(rows)), found_I[: found_S[-1]], inverse_I, count_I[: found_S[-1]]
        if len(rows) == 1:
            return DistinctRows(*whole)
        sizes_S = tuple(end - begin for begin, end in pairwise([0, *found_S]))
        return GroupRows(*whole, sizes_S=sizes_S, first_S=tuple(self._first_S))


def resident(each: Sequence[Examples | None], device: torch.device) -> Resident | None:
    """None: not all batches are made of such examples, or they do not fit."""
    there = [examples for examples in each if examples is not None]
    if len(there) < len(each) or not there[0].fit(device, len(there)):
        return None
    return Resident(there, device)
