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
from torch.nn.functional import pad

from harness.engine.batch import Batch, DistinctRows, GroupRows

NOWHERE = 2**31 - 1
SHARE = 0.25
"""Of the free memory of a GPU: what examples may take."""
AT_ONCE = 8
"""Batches that are made at once, at most."""
NOTES = 2**28
"""Rows of the tables of all of them, at most, but for one batch: each row has a number that notes where it is."""


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
    """The batches of S runs, whose tables lie end to end; of one run alone, those of its table.

    G batches are made at once, as the host tells the GPU as much for one.
    """

    def __init__(self, each: Sequence[Examples], device: torch.device) -> None:
        self._each = [examples.to(device) for examples in each]
        (self._batch_size,) = {examples.batch_size for examples in each}
        *self._first_S, rows = accumulate((run.num_rows for run in each), initial=0)
        self._most = max(1, min(AT_ONCE, NOTES // rows))
        self._first_GS = torch.arange(self._most)[:, None] * rows + torch.tensor(self._first_S)
        self._first_GS = self._first_GS.to(device)
        """Where the table of each run begins, if each of the batches had tables of its own."""
        self._where_R = torch.full((self._most * rows,), NOWHERE, dtype=torch.int32, device=device)
        """Where each row is first looked up."""

    def batches(self, orders: Sequence[Tensor]) -> Iterator[list[Batch]]:
        """Of the examples at these places, [N], of each run. Those of a list lie in the same memory."""
        order_SN = torch.stack(list(orders)).to(self._where_R.device)
        size, whole = self._batch_size, order_SN.shape[1] // self._batch_size * self._batch_size
        for at in range(0, whole, self._most * size):
            at_SM = order_SN[:, at : min(whole, at + self._most * size)]
            yield self._made(at_SM.reshape(len(at_SM), -1, size))
        if whole < order_SN.shape[1]:
            yield self._made(order_SN[:, None, whole:])

    def _made(self, at_SGB: Tensor) -> list[Batch]:
        distinct_G = self._distinct(self._picked([run.rows_NC for run in self._each], at_SGB, dim=1))
        labels_GBT = self._picked([run.labels_NT for run in self._each], at_SGB, dim=2).flatten(2).float()
        known = [run.known_NT for run in self._each if run.known_NT is not None]
        known_GBT = self._picked(known, at_SGB, dim=2).flatten(2).float() if known else [None] * len(labels_GBT)
        weight = [run.weight_N for run in self._each if run.weight_N is not None]
        weight_GB = self._picked(weight, at_SGB, dim=1).flatten(1) if weight else [None] * len(labels_GBT)
        parts = zip(distinct_G, labels_GBT, known_GBT, weight_GB, strict=True)
        return [Batch(rows, labels, known, weight_B=weight) for rows, labels, known, weight in parts]

    def _picked(self, arrays: Sequence[Tensor], at_SGB: Tensor, dim: int) -> Tensor:
        """What each run has at these places, [G, B, ...], side by side in a dimension of its own."""
        pairs = zip(arrays, at_SGB, strict=True)
        picked = [all_N.index_select(0, at_GB.flatten()).view(*at_GB.shape, *all_N.shape[1:]) for all_N, at_GB in pairs]
        return torch.stack(picked, dim=dim)

    def _distinct(self, rows_GSBC: Tensor) -> list[DistinctRows]:
        """Places where a row is looked up first, counted, rank the distinct rows of each batch."""
        g, s = rows_GSBC.shape[:2]
        first_GS11 = self._first_GS[:g, :, None, None]
        rows_I = (rows_GSBC + first_GS11).flatten()
        place_I = torch.arange(len(rows_I), dtype=torch.int32, device=rows_I.device)
        first_I = self._where_R.scatter_reduce_(0, rows_I, place_I, "amin").index_select(0, rows_I)
        self._where_R.index_fill_(0, rows_I, NOWHERE)
        rank_I = (first_I == place_I).cumsum(0, dtype=torch.int32)
        at_I = rank_I.index_select(0, first_I) - 1
        index_I = at_I.long()
        found_I = torch.empty_like(rows_I).scatter_(0, index_I, (rows_GSBC + first_GS11[:1]).flatten())
        count_I = torch.zeros_like(at_I).scatter_add_(0, index_I, torch.ones_like(at_I))
        end_GS = rank_I.view(g, s, -1)[:, :, -1]
        inverse_GI = at_I.view(g, -1) - pad(end_GS[:-1, -1], (1, 0))[:, None]
        ends_GS = end_GS.tolist()
        begins = (0, *(ends[-1] for ends in ends_GS[:-1]))
        spans = [list(pairwise([begin, *ends])) for begin, ends in zip(begins, ends_GS, strict=True)]
        looked_up = rows_GSBC.flatten(1, 2)
        return [self._rows(*parts, found_I, count_I) for parts in zip(spans, looked_up, inverse_GI, strict=True)]

    def _rows(
        self, spans: Sequence[tuple[int, int]], rows_BC: Tensor, inverse_I: Tensor, found: Tensor, count: Tensor
    ) -> DistinctRows:
        """Those of one batch: spans says where, among the distinct rows of all, those of each run begin and end."""
        of_batch = slice(spans[0][0], spans[-1][1])
        whole = rows_BC, found[of_batch], inverse_I, count[of_batch]
        if len(spans) == 1:
            return DistinctRows(*whole)
        sizes_S = tuple(end - begin for begin, end in spans)
        return GroupRows(*whole, sizes_S=sizes_S, first_S=tuple(self._first_S))


def resident(each: Sequence[Examples | None], device: torch.device) -> Resident | None:
    """None: not all batches are made of such examples, or they do not fit."""
    there = [examples for examples in each if examples is not None]
    if len(there) < len(each) or not there[0].fit(device, len(there)):
        return None
    return Resident(there, device)
