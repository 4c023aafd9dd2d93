"""The tables of several runs, looked up and stepped in one call.

Each run keeps tables of its own, with all that hooks, evaluation and epochs do to them; their rows and optimiser state
lie end to end in memory that they share. Hooks and what absent rows owe are worked out run by run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor

from harness.base.errors import UserError
from harness.engine import memory
from harness.engine.batch import DistinctRows, GroupRows
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.lookup import Lookup
from harness.engine.row_hooks import RowUpdate


@dataclass(frozen=True)
class GroupLookup(Lookup):
    """A lookup of all runs, and that of each, for its hooks; empty: nothing asks for them."""

    of_runs: Sequence[Lookup] = ()


class GroupTables:
    """As `EmbeddingTables`, of S runs that look up the same columns."""

    def __init__(self, each: Sequence[EmbeddingTables]) -> None:
        self.each, self._vectors = tuple(each), each[0].vectors
        self.device, self._width = each[0].device, each[0].width
        self.first_S = tuple(accumulate((len(tables.store) for tables in each), initial=0))[:-1]
        self._store_RS = _end_to_end([tables.store for tables in each])
        self._reset_R = _end_to_end([tables.state_reset_step_R for tables in each])
        self.epoch = 0

    @property
    def step(self) -> int:
        return self.each[0].step

    @property
    def rows_touched(self) -> int:
        """Of one run, on average."""
        return sum(tables.rows_touched for tables in self.each) // len(self.each)

    @property
    def perturbed(self) -> bool:
        return self.each[0].perturbed

    def lookup(self, rows: DistinctRows) -> Lookup:
        assert isinstance(rows, GroupRows)
        for tables in self.each:
            tables.step += 1
        apart = self.each[0].owes or self.each[0].hooked
        of_runs = rows.of_runs if apart else []
        if self.each[0].owes:
            owing = zip(self.each, of_runs, strict=True)
            weight_KD = torch.cat([tables.paid(part.rows_K) for tables, part in owing])
        else:
            weight_KD = self._store_RS[:, : self._width].index_select(0, rows.rows_K)
        embedded_BFD = self._vectors.embedded(rows, weight_KD)
        parts = zip(self.each, of_runs, weight_KD.split_with_sizes(rows.sizes_S), strict=True) if apart else ()
        lookups = [tables.looked_up(part, weight, embedded_BFD) for tables, part, weight in parts]
        return GroupLookup(rows, weight_KD, embedded_BFD, None, self.epoch, self.step, lookups)

    def displaced(self, lookup: Lookup, grad_BFD: Tensor) -> Lookup | None:
        found = [
            tables.moved(part, grad) for tables, part, grad in self._by_run(lookup, self._by_row(lookup, grad_BFD))
        ]
        if all(moved is None for moved in found):
            return None
        still = lookup.weight_KD.split_with_sizes(_sizes(lookup))
        moved_KD = torch.cat([stays if moved is None else moved for moved, stays in zip(found, still, strict=True)])
        return replace(lookup, embedded_BFD=self._vectors.embedded(lookup.rows, moved_KD))

    def update(self, lookup: Lookup, grad_BFD: Tensor) -> None:
        for tables, size in zip(self.each, _sizes(lookup), strict=True):
            tables.rows_touched += size
        if self._frozen():
            return
        update = RowUpdate(self._by_row(lookup, grad_BFD))
        if parts := self._by_run(lookup, update.grad_KD):
            update = _end_to_end_update([tables.asked(part, grad) for tables, part, grad in parts])
        self.each[0].step_rows(self._store_RS, self._reset_R, lookup.rows.rows_K, update)

    def _by_row(self, lookup: Lookup, grad_BFD: Tensor) -> Tensor:
        return self._vectors.by_row(lookup.rows, grad_BFD)

    def _by_run(self, lookup: Lookup, grad_KD: Tensor) -> list[tuple[EmbeddingTables, Lookup, Tensor]]:
        """Of every run its tables, its lookup and the gradient of its rows; empty: nothing asks for them."""
        assert isinstance(lookup, GroupLookup)
        if not lookup.of_runs:
            return []
        return list(zip(self.each, lookup.of_runs, grad_KD.split_with_sizes(_sizes(lookup)), strict=True))

    def _frozen(self) -> bool:
        """Raises: UserError: a strategy has frozen the tables of some runs."""
        frozen = {tables.frozen for tables in self.each}
        if len(frozen) > 1:
            raise UserError("a strategy freezes the tables of some seeds alone; accepted: train.seeds_at_once = 1")
        return frozen.pop()


def _sizes(lookup: Lookup) -> tuple[int, ...]:
    assert isinstance(lookup.rows, GroupRows)
    return lookup.rows.sizes_S


def _end_to_end(parts: Sequence[Tensor]) -> Tensor:
    """One tensor of the rows of all, of which the given ones become parts, for whoever holds them.

    The memory of each is given back when it is copied, so that on a CPU there is at no time more than one twice.
    """
    first, total = parts[0], sum(len(part) for part in parts)
    whole = memory.empty(total, *first.shape[1:], dtype=first.dtype, device=first.device)
    for part, rows in zip(parts, whole.split_with_sizes([len(part) for part in parts]), strict=True):
        rows.copy_(part)
        part.set_(rows.untyped_storage(), rows.storage_offset(), rows.size(), rows.stride())
    return whole


def _end_to_end_update(updates: Sequence[RowUpdate]) -> RowUpdate:
    scales, keeps = [update.scale_K for update in updates], [update.keep_K for update in updates]
    grad_KD = torch.cat([update.grad_KD for update in updates])
    return RowUpdate(grad_KD, _factors(scales, updates), _factors(keeps, updates))


def _factors(factors: Sequence[Tensor | None], updates: Sequence[RowUpdate]) -> Tensor | None:
    """1 in runs that have none; None: no run has any."""
    if all(factor is None for factor in factors):
        return None
    ones = (torch.ones_like(update.grad_KD[:, 0]) for update in updates)
    return torch.cat([one if factor is None else factor for factor, one in zip(factors, ones, strict=True)])
