"""From a batch of read columns, named by their place in the schema, to a piece of a split."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import Split, UserError
from harness.data.tabular.conversion import exact_ids, write_ids
from harness.data.tabular.schema import Schema

Bools = npt.NDArray[np.bool_]


def piece(batch: pl.DataFrame, schema: Schema, where: str, *, observed: bool) -> Split:
    """The rows of a batch. observed: whether any label of the table is unknown. where: begins messages.

    Raises:
        UserError: a value is not accepted.
    """
    ids_NF = np.empty((len(batch), len(schema.fields)), np.int64, order="F")
    for f, name in enumerate(schema.fields):
        write_ids(batch[f"fields.{name}"], ids_NF[:, f], f"{where}: fields.{name}")
    labels_NT, observed_NT = _labels(batch, schema)
    return Split(
        ids_NF=ids_NF,
        labels_NT=labels_NT,
        observed_NT=observed_NT if observed else None,
        group_N=None if schema.group is None else exact_ids(batch["group"], f"{where}: group"),
        time_N=None if schema.time is None else batch["time"].to_numpy(),
    )


def _labels(batch: pl.DataFrame, schema: Schema) -> tuple[npt.NDArray[np.uint8], Bools]:
    """labels_NT and observed_NT; a label that is not known is 0."""
    labels_NT = np.empty((len(batch), len(schema.labels)), np.uint8)
    observed_NT = np.empty(labels_NT.shape, np.bool_)
    for t, name in enumerate(schema.labels):
        column = batch[f"labels.{name}"]
        positive = column if column.dtype == pl.Boolean else column == 1
        observed_NT[:, t] = known_rows(batch, name, schema)
        labels_NT[:, t] = observed_NT[:, t] & _filled(positive)
    return labels_NT, observed_NT


def known_rows(batch: pl.DataFrame, label: str, schema: Schema) -> Bools:
    """known_N: whether a label is known."""
    column = batch[f"labels.{label}"]
    known_N: Bools = column.is_not_null().to_numpy() if column.has_nulls() else np.ones(len(column), np.bool_)
    return known_N & _filled(batch[f"observed.{label}"]) if label in schema.observed else known_N


def _filled(condition: pl.Series) -> Bools:
    """A null is false."""
    true_N: Bools = (condition.fill_null(False) if condition.has_nulls() else condition).to_numpy()
    return true_N


def check_labels(batch: pl.DataFrame, schema: Schema, where: str) -> bool:
    """Whether all labels are known.

    Raises:
        UserError: a known one is neither 0 nor 1. where: begins the message.
    """
    complete = True
    for name, sql in schema.labels.items():
        column, known_N = batch[f"labels.{name}"], known_rows(batch, name, schema)
        complete &= bool(known_N.all())
        if column.dtype == pl.Boolean or (
            column.dtype.is_integer() and column.max() in (0, 1) and column.min() in (0, 1)
        ):
            continue
        bad = column.filter(pl.Series(known_N) & (column != 0) & (column != 1))
        if len(bad):
            value = f"labels.{name} = {sql!r} has the value {bad[0]}"
            raise UserError(f"{where}: {value}; accepted: 0, 1, true, false, null, as {sql} > 0")
    return complete
