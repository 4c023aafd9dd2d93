"""From columns of a table to exact ids and whole seconds."""

from __future__ import annotations

import numpy as np
import polars as pl

from harness.api import Ints, UserError


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
    """int64 seconds of a date, a date as text in the form of ISO 8601, or a number, rounded down.

    Raises:
        UserError: a row has none. where: begins the message.
    """
    if column.dtype == pl.String:
        column = _dates(column, where)
    if column.dtype.is_temporal():
        column = column.dt.epoch("s")
    whole = (column.floor() if column.dtype.is_float() else column).cast(pl.Int64, strict=False)
    if missing := whole.null_count():
        raise UserError(f"{where} is null or not finite in {missing:,} rows; accepted: a time in every row")
    value_N: Ints = whole.to_numpy()
    return value_N


def _dates(column: pl.Series, where: str) -> pl.Series:
    """ISO 8601 alone, as 01/02/2024 may be a day of January or of February."""
    iso = column.str.contains(r"^\d{4}-\d{2}-\d{2}")
    try:
        found = column.set(~iso, None).str.to_datetime(time_zone="UTC", strict=False)
    except pl.exceptions.ComputeError:
        found = pl.Series([None] * len(column), dtype=pl.Datetime)
    bad = column.filter(found.is_null() & column.is_not_null())
    if len(bad):
        raise UserError(
            f"{where} has the text {bad[0]!r}; accepted: dates as 2024-05-01 or 2024-05-01T12:00:00, seconds as "
            "numbers, or what STRPTIME(column, '%d.%m.%Y') makes of other text"
        )
    return found
