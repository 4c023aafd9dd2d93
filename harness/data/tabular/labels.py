"""Labels of a table: 0, 1 or unknown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.data.tabular.schema import Schema

Bools = npt.NDArray[np.bool_]
TEXTS = (pl.String, pl.Categorical, pl.Enum)


def labels_of(batch: pl.DataFrame, schema: Schema, *, observed: bool) -> tuple[npt.NDArray[np.uint8], Bools | None]:
    """labels_NT and observed_NT of checked labels; one that is not known is 0.

    batch: a column for each place in the schema. observed: whether any is unknown; if not, observed_NT is None.
    """
    labels_NT = np.zeros((len(batch), len(schema.labels)), np.uint8)
    observed_NT = np.empty(labels_NT.shape, np.bool_) if observed else None
    for t, name in enumerate(schema.labels):
        column = batch[f"labels.{name}"]
        if column.dtype not in TEXTS:  # of text, none is known
            labels_NT[:, t] = _filled(column if column.dtype == pl.Boolean else column == 1)
        if observed_NT is not None:
            observed_NT[:, t] = known_rows(batch, name, schema)
            labels_NT[:, t] &= observed_NT[:, t]
    return labels_NT, observed_NT


def known_rows(batch: pl.DataFrame, label: str, schema: Schema) -> Bools:
    """known_N: whether a label is known; null and NaN are not."""
    column = batch[f"labels.{label}"]
    known_N: Bools = column.is_not_null().to_numpy() if column.has_nulls() else np.ones(len(column), np.bool_)
    if column.dtype.is_float():
        known_N = known_N & _filled(column.is_not_nan())
    return known_N & _filled(batch[f"observed.{label}"]) if label in schema.observed else known_N


def _filled(condition: pl.Series) -> Bools:
    """A null is false."""
    true_N: Bools = (condition.fill_null(False) if condition.has_nulls() else condition).to_numpy()
    return true_N


def odd_label(batch: pl.DataFrame, schema: Schema) -> str | None:
    """A label with a known value that is neither 0 nor 1."""
    for name in schema.labels:
        column = batch[f"labels.{name}"]
        if column.dtype == pl.Boolean or (
            column.dtype.is_integer() and column.max() in (0, 1) and column.min() in (0, 1)
        ):
            continue
        told = column.filter(pl.Series(known_rows(batch, name, schema)))
        if len(told) and (told.dtype in TEXTS or not told.cast(pl.Float64).is_in([0.0, 1.0]).all()):
            return name
    return None


def all_known(batch: pl.DataFrame, schema: Schema) -> bool:
    """Whether every label of every row is known."""
    return all(known_rows(batch, name, schema).all() for name in schema.labels)
