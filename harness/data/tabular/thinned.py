"""A sample of a table by the hash of a column: every value of it is there with all its rows, or not at all.

A smaller share is part of a larger one. Other columns are thinned: an id that meets many values of the column keeps
about that share of its rows.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from pydantic import Field

from harness.api import hash_ids
from harness.base.config import Config
from harness.data.tabular.conversion import exact_ids

SALT = 0x51AB1E5A3B1E
"""Of the hash; splits have others, so that a sample says nothing of them."""


class Thinned(Config):
    """by: the SQL expression whose values are drawn. keep: the share of them."""

    by: str
    keep: float = Field(gt=0, lt=1)


def thinned(frame: pl.LazyFrame, by: pl.Expr, keep: float, where: str) -> pl.LazyFrame:
    """The rows whose value of `by` is drawn; a null is a value too. where: begins messages."""

    def drawn(column: pl.Series) -> pl.Series:
        return pl.Series(hash_ids(exact_ids(column, where), SALT) < np.uint64(keep * 2.0**64))

    return frame.filter(by.map_batches(drawn, return_dtype=pl.Boolean, is_elementwise=True))
