"""Weights of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import UserError


def weights_of(column: pl.Series, sql: str, where: str) -> npt.NDArray[np.float32]:
    """float32 weights, finite and not negative.

    sql: of the column. where: begins messages.

    Raises:
        UserError: one is null, negative or not finite.
    """
    weight = column.cast(pl.Float32, strict=False)
    bad = column.filter(~(weight.is_finite() & (weight >= 0)).fill_null(False))
    if len(bad):
        value = "null" if bad[0] is None else bad[0]
        raise UserError(f"{where}: weight = {sql!r} has the value {value}; accepted: finite numbers, 0 or more")
    return weight.to_numpy()
