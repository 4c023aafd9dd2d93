"""How the ids of a field become rows of its table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.contracts.data import Ints


@dataclass(frozen=True)
class FieldStats:
    """What a strategy may know of one field: its distinct training ids and how often each occurs.

    Where an earlier strategy of the same arm has an encoder, the ids are the rows that it gives.
    """

    name: str
    ids_U: Ints
    """Ascending."""
    count_U: Ints
    """At least 1."""


@dataclass(frozen=True)
class Encoder:
    """Maps ids to rows of one field's table."""

    num_rows: int
    rows_of: Callable[[Ints], Ints]
    """From ids_M to rows_M, or to rows_MH: an id's embedding is then the sum of H rows."""
    shared_row: int | None = None
    """The row of all ids that have none of their own, unknown ones among them; None: there is no such row."""


def vocabulary(stats: FieldStats, keep_U: npt.NDArray[np.bool_] | None = None) -> Encoder:
    """One row for each kept training id; row 0 is shared by every other id (out-of-vocabulary)."""
    kept = stats.ids_U if keep_U is None else stats.ids_U[keep_U]

    def rows_of(ids: Ints) -> Ints:
        if len(kept) == 0:
            return np.zeros(ids.shape, np.int64)
        at = np.minimum(np.searchsorted(kept, ids), len(kept) - 1)
        return np.where(kept[at] == ids, at + 1, 0)

    return Encoder(len(kept) + 1, rows_of, shared_row=0)


def hash_ids(ids: Ints, salt: int) -> npt.NDArray[np.uint64]:
    """A salted 64-bit mix of int64 ids (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    x = ids.astype(np.uint64) ^ np.uint64(salt & 0xFFFFFFFFFFFFFFFF)
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
