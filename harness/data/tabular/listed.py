"""Numbers and lists of ids, from the columns of a batch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import Lists, UserError
from harness.base.words import counted
from harness.data.tabular.conversion import NULL, exact_ids

JSON = r"^\s*\[.*\]\s*$"
"""Text that is a list of JSON."""


def number(column: pl.Series) -> npt.NDArray[np.float32]:
    """float32; NaN where it is null."""
    value_N: npt.NDArray[np.float32] = column.cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return value_N


def lists_of(column: pl.Series, separator: str, weights: pl.Series | None, where: str, *, whole: bool) -> Lists:
    """Lists of ids. A null or an empty list holds one id, that of null, so that it has a row of its own.

    column: lists, or text as `a|b|c` or `["a", "b"]`; blanks around an id of the former are no part of it. weights: as
    many numbers. whole: whether ids of text are whole numbers, as those of the field whose table they share.

    Raises:
        UserError: text is not as it must be, or weights are not as many as ids. where: begins the message.
    """
    listed = _split(column, separator, where) if column.dtype == pl.String else column
    listed = listed.cast(pl.List(listed.dtype.inner)) if isinstance(listed.dtype, pl.Array) else listed
    length = listed.list.len().fill_null(0)
    bare_N = (length == 0).to_numpy()
    length_N = length.cast(pl.Int64).to_numpy()
    values = listed.filter(~pl.Series(bare_N)).explode()
    values = _whole_numbers(values, where) if whole and values.dtype == pl.String else values
    weight_M = None
    if weights is not None:
        _check_lengths(weights, length, where)
        weight_M = number(weights.filter(~pl.Series(bare_N)).explode())
    return _with_nulls(exact_ids(values, where), weight_M, length_N, bare_N)


def _with_nulls(ids_M: npt.NDArray[np.int64], weight_M: npt.NDArray[np.float32] | None, length_N: npt.NDArray[np.int64],
                bare_N: npt.NDArray[np.bool_]) -> Lists:  # fmt: skip
    """The lists, one id put where there is none."""
    places = (np.cumsum(length_N) - length_N)[bare_N]
    weight_M = None if weight_M is None else np.insert(weight_M, places, np.float32(1))
    return Lists(np.insert(ids_M, places, NULL), np.maximum(length_N, 1), weight_M=weight_M)


def _split(column: pl.Series, separator: str, where: str) -> pl.Series:
    text = column.str.strip_chars()
    is_json = text.str.contains(JSON).fill_null(False)
    plain = text.set(text == "", None).str.split(separator).list.eval(pl.element().str.strip_chars())
    if not is_json.any():
        return plain
    try:
        json = text.set(~is_json, None).str.json_decode(pl.List(pl.String))
    except pl.exceptions.PolarsError as error:
        wrong = text.filter(is_json)[0]
        raise UserError(f'{where}: the text {wrong[:60]!r} is no list of JSON; accepted: as [1, 2] or ["a"]') from error
    return plain.zip_with(~is_json, json)


def _whole_numbers(values: pl.Series, where: str) -> pl.Series:
    found = values.str.strip_chars().cast(pl.Int64, strict=False)
    bad = values.filter(found.is_null() & values.is_not_null())
    if len(bad):
        raise UserError(
            f"{where} has the id {bad[0]!r} in a list; accepted: whole numbers, as those whose table it shares"
        )
    return found


def _check_lengths(weights: pl.Series, length: pl.Series, where: str) -> None:
    other = weights.list.len().fill_null(0)
    if (other != length).any():
        at = int((other != length).arg_max() or 0)
        found = f"a list of {counted(length[at], 'id')} has {counted(other[at], 'weight')}"
        raise UserError(f"{where}: {found}; accepted: a weight for each id")
