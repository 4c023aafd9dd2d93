"""From columns of a table to ids, each value by itself: batches of a column agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import Ints, UserError, hash_ids

AnyInts = npt.NDArray[np.integer[Any]]
NULL = -0x61C8864680B583EB
"""The id of a null, in every column."""
WIDE = (pl.Int64, pl.UInt64, pl.Int128, pl.UInt128)
"""Types of integers that can have any id."""
SEED, ALONE = 0, 1
"""Of the hashes of text, and of the numbers of rows that are in no group; others would give other ids."""


def exact_ids(column: pl.Series, where: str = "a column") -> Ints:
    """int64 ids of integers, text, booleans, dates: equal where the values are. A null has the id NULL.

    Integers stay as they are, unsigned ones above 2**63 wrap (so that -1 and 2**64 - 1 are one id). Booleans, dates and
    times become the integers that stand for them. Text, and integers beyond 64 bits, become a 64-bit hash, so that no
    column need be read whole: among n distinct values, two have one id with a probability of n**2 / 2**65, as .00003 in
    30 million.

    Raises:
        UserError: an integer is that of a null. where: begins the message.
    """
    return np.array(narrow_ids(column, where), np.int64)


def group_ids(column: pl.Series, number: pl.Series, where: str) -> Ints:
    """`exact_ids` of groups. A null shares a group with nobody: its id is a hash of the row's number."""
    id_N = exact_ids(column, where)
    if column.has_nulls():
        null_N = column.is_null().to_numpy()
        id_N[null_N] = hash_ids(number.to_numpy()[null_N], ALONE).view(np.int64)
    return id_N


def narrow_ids(column: pl.Series, where: str) -> AnyInts:
    """`exact_ids` of the width of the column; integers are not copied, and are not to be written to."""
    id_N = _ids(column)
    if column.dtype in WIDE and np.count_nonzero(id_N == NULL) > column.null_count():
        value = column.filter((id_N == NULL) & column.is_not_null().to_numpy())[0]
        raise UserError(f"{where} has the value {value}, whose id is that of null; accepted: any other integer")
    return id_N


def _ids(column: pl.Series) -> AnyInts:
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype in (pl.String, pl.Binary):
        ids = column.hash(SEED).reinterpret(signed=True)
    elif column.dtype in (pl.Int128, pl.UInt128):
        ids = _narrowed(column)
    elif column.dtype == pl.UInt64:
        ids = column.reinterpret(signed=True)
    else:
        ids = column if column.dtype.is_integer() else column.to_physical()
    if column.has_nulls():
        ids = ids.cast(pl.Int64).set(column.is_null(), NULL)
    return ids.to_numpy()


def _narrowed(column: pl.Series) -> pl.Series:
    """int64 of integers of 128 bits, of expressions, or what CSV gives for integers above 2**63."""
    ids = column.cast(pl.Int64, strict=False)
    if ids.null_count() == column.null_count():
        return ids
    unsigned = column.cast(pl.UInt64, strict=False).reinterpret(signed=True)
    hashed = column.cast(pl.String).hash(SEED).reinterpret(signed=True)
    return pl.select(pl.coalesce(ids, unsigned, hashed)).to_series()
