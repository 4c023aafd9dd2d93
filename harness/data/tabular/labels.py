"""Labels of a table: 0, 1 or unknown. Other values are refused with an expression that makes labels of them."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import UserError
from harness.data.tabular.schema import Schema

Bools = npt.NDArray[np.bool_]
TEXTS = (pl.String, pl.Categorical, pl.Enum)
POSITIVE = ("yes", "true", "t", "y", "1", "positive", "pos", "click", "clicked")
"""Words that mean 1, the most telling first, in small letters."""


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
        told = column.filter(pl.Series(known_N))
        if len(told) and (told.dtype in TEXTS or not told.cast(pl.Float64).is_in([0.0, 1.0]).all()):
            raise UserError(f"{where}: labels.{name} = {sql!r} {refusal(told, name, sql)}")
    return complete


def refusal(told: pl.Series, name: str, sql: str) -> str:
    """What is wrong with known values that are not all 0 and 1, and what to write instead. sql: of the label `name`."""
    subject, unknown = sql if sql.isidentifier() else f"({sql})", ""
    if told.dtype in TEXTS:
        words = ["'" + word.replace("'", "''") + "'" for word in _positive(told.cast(pl.String))]
        found = f"text {told[0]!r}"
        better = f"{subject} IN ({', '.join(words)})" if len(words) > 1 else f"{subject} = {words[0]}"
    else:
        value = told.unique().sort().to_list()
        odd = [v for v in value if v not in (0, 1)]
        found = f"value {odd[0]}"
        better = f"{subject} > {0 if value[0] <= 0 < value[-1] else value[(len(value) - 1) // 2]}"
        if len(odd) == 1 and len(value) == 3:
            unknown = f", or {name} = {_toml(f'NULLIF({sql}, {odd[0]})')} if {odd[0]} means unknown"
    return f"has the {found}; accepted: 0, 1, true, false, null, as {name} = {_toml(better)}{unknown}"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _positive(told: pl.Series) -> list[str]:
    """The values that mean 1, the most telling first, or else the rarest."""
    values = told.value_counts().sort("count", told.name)[told.name].to_list()
    known = [value for word in POSITIVE for value in values if value.strip().lower() == word]
    return known or values[:1]
