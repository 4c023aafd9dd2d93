"""From columns of a table to arrays of a split: exact ids, whole seconds, and rows that belong together."""

from __future__ import annotations

import numpy as np
import polars as pl

from harness.api import Generator, Ints, UserError, hash_ids


def exact_ids(column: pl.Series) -> Ints:
    """int64 ids, equal exactly where the values are; a null has an id of its own."""
    if column.dtype in (pl.Int128, pl.UInt128):  # of expressions, or what CSV gives for integers above 2**63
        casts = (column.cast(narrow, strict=False) for narrow in (pl.Int64, pl.UInt64))
        column = next((narrow for narrow in casts if narrow.null_count() == column.null_count()), column)
    if column.dtype == pl.Boolean:
        column = column.cast(pl.UInt8)
    elif not column.dtype.is_integer() or column.dtype in (pl.Int128, pl.UInt128):
        column = (column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column).rank("dense")
    null_N = column.is_null().to_numpy()
    value_N = column.fill_null(0).to_numpy()
    id_N: Ints = value_N.view(np.int64) if value_N.dtype == np.uint64 else value_N.astype(np.int64)
    return np.where(null_N, _free(id_N[~null_N]), id_N) if null_N.any() else id_N


def _free(ids_M: Ints) -> int:
    """An int64 that is not among the ids."""
    taken = np.unique(ids_M)
    if len(taken) == 0 or taken[0] > np.iinfo(np.int64).min:
        return int(taken[0]) - 1 if len(taken) else 0
    gaps = np.flatnonzero(np.diff(taken.view(np.uint64)) != 1)
    return int(taken[gaps[0] if len(gaps) else -1]) + 1


def seconds(column: pl.Series, where: str) -> Ints:
    """int64 seconds of a date or a number, rounded down."""
    if column.dtype.is_temporal():
        column = column.dt.epoch("s")
    whole = (column.floor() if column.dtype.is_float() else column).cast(pl.Int64, strict=False)
    if missing := whole.null_count():
        raise UserError(f"{where} is null or not finite in {missing:,} rows; accepted: a time in every row")
    value_N: Ints = whole.to_numpy()
    return value_N


def split_by_time(time_N: Ints, valid: float, test: float, where: str) -> list[Ints]:
    """Positions of train, valid and test, in order of time; no one time is in two of them.

    where: begins messages.

    Raises:
        UserError: a split is empty, as too few times are distinct.
    """
    order = np.argsort(time_N, kind="stable")
    ends = [min(round(len(order) * share), len(order) - 1) for share in (1 - valid - test, 1 - test)]
    parts = np.split(order, np.searchsorted(time_N[order], time_N[order[ends]]))
    if not all(map(len, parts)):
        raise UserError(f"{where}: {_why_empty(time_N, valid, test, [int(time_N[order[end]]) for end in ends])}")
    return parts


def _why_empty(time_N: Ints, valid: float, test: float, cuts: list[int]) -> str:
    """Which splits are empty, and which shares would leave none so."""
    times, count = np.unique(time_N, return_counts=True)
    few = f"time has {len(times):,} distinct values, of which none is torn apart"
    both = f"the cuts at {1 - valid - test:.0%} and {1 - test:.0%} of the rows fall into time {cuts[0]}"
    at = both if cuts[0] == cuts[1] else f"no row is before the cut at {1 - valid - test:.0%}, in time {cuts[0]}"
    if len(times) < 3:
        return f'{few}: {at}; accepted: three times at least, or split.by = "group"'
    shares = (np.cumsum(count[::-1]) / len(time_N))[:2]
    best = f"valid = {shares[1] - shares[0]:.4g}, test = {shares[0]:.4g}"
    return f"{few}: {at}; accepted: shares with a time between the cuts, as {best}"


def split_by_group(group_N: Ints, time_N: Ints | None, valid: float, test: float, rng: Generator) -> list[Ints]:
    """Positions of train, valid and test, in order of time where there is one; no group is in two of them."""
    order = np.arange(len(group_N)) if time_N is None else np.argsort(time_N, kind="stable")
    draw_N = hash_ids(group_N, int(rng.integers(2**63)))[order]
    test_N = draw_N < np.uint64(test * 2.0**64)
    valid_N = ~test_N & (draw_N < np.uint64((valid + test) * 2.0**64))
    return [order[~test_N & ~valid_N], order[valid_N], order[test_N]]
