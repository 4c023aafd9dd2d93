"""Which column of a pandas frame it is that cannot be read."""

from __future__ import annotations

from typing import Any

import polars as pl

UNREAD = (pl.exceptions.PolarsError, ValueError, TypeError, OverflowError, NotImplementedError)
"""What is raised where a frame cannot be read; pyarrow's errors are of these."""


def odd_column(data: Any) -> str:
    """Its name and type, in words that follow the error; empty: each can be read alone."""
    for place in range(data.shape[1]):
        column = data.iloc[:, [place]]
        try:
            pl.from_pandas(column)
        except UNREAD:
            return f", in column {column.columns[0]!r} of {column.dtypes.iloc[0]}"
    return ""
