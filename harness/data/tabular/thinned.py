"""A sample of a table by the hash of a column: every value of it is there with all its rows, or not at all.

A smaller share is part of a larger one. Other columns are thinned: an id that meets many values of the column keeps
about that share of its rows. Rows without a value are nobody's together, and are drawn one by one: all of them, or
none, would be another log.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from pydantic import Field, computed_field

from harness.api import UserError, hash_ids
from harness.base.config import Config
from harness.data.tabular.conversion import group_ids

SALT = 0x51AB1E5A3B1E
"""Of the hash; splits have others, so that a sample says nothing of them."""
NUMBER = "\0row"
"""A column of our own: which row it is."""


class Thinned(Config):
    """by: the SQL expression whose values are drawn. keep: the share of them."""

    by: str
    keep: float = Field(gt=0, lt=1)

    @computed_field
    def drawn(self) -> int:
        """By which rule, as part of the key of the data: another number once the same schema draws other rows."""
        return 2


def thinned(frame: pl.LazyFrame, by: pl.Expr, keep: float, where: str, *, orderly: bool = True) -> pl.LazyFrame:
    """The rows whose value of `by` is drawn, and that share of those that have none.

    where: begins messages. orderly: whether rows come in an order, by which those without a value are told apart; else
    reading them raises UserError.
    """

    def drawn(columns: Sequence[pl.Series]) -> pl.Series:
        value, number = columns
        if value.has_nulls() and not orderly:
            raise UserError(
                f"{where} is null in some rows, which the query leaves in no order to draw from; accepted: what is "
                "null nowhere, as COALESCE with another column gives"
            )
        return pl.Series(hash_ids(group_ids(value, number, where), SALT) < np.uint64(keep * 2.0**64))

    told = pl.map_batches(
        [by, pl.col(NUMBER).cast(pl.Int64)], drawn, return_dtype=pl.Boolean, is_elementwise=True
    )  # fmt: skip
    return frame.with_row_index(NUMBER).filter(told).drop(NUMBER)
