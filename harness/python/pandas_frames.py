"""Frames of pandas before they are read: an index of dates is the time, and a column that cannot be read is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from harness.api import UserError
from harness.base.errors import one_line

UNREAD = (pl.exceptions.PolarsError, ValueError, TypeError, OverflowError, NotImplementedError)
"""What is raised where a frame cannot be read; pyarrow's errors are of these."""
TIME = "time"
"""The name of dates that are an index without one."""


def is_pandas(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns")


def without_index(frame: Any) -> Any:
    """The same rows, in which what of the index has a name is a column.

    Dates of it that have none are named `time`, unless something else is; the rest without a name is left out.

    Raises:
        UserError: a name is that of two columns, or of the index and of a column.
    """
    if type(frame.index).__name__ == "PeriodIndex":
        frame = frame.to_timestamp()
    names = list(frame.index.names)
    dates = [at for at, name in enumerate(names) if name is None and _are_dates(frame.index.get_level_values(at))]
    if dates and TIME not in [*names, *frame.columns]:
        names[dates[0]] = TIME
        frame = frame.rename_axis(index=names)
    _refuse_twice([str(name) for name in names if name is not None], list(map(str, frame.columns)))
    nameless = [level for level, name in enumerate(names) if name is None]
    frame = frame.reset_index(level=nameless, drop=True) if nameless else frame
    return frame if len(nameless) == len(names) else frame.reset_index()


def _are_dates(index: Any) -> bool:
    return bool(index.dtype.kind == "M")


def _refuse_twice(index: list[str], columns: list[str]) -> None:
    for name in columns:
        if name in index:
            raise UserError(
                f"data: the index and a column are both named '{name}'; accepted: data.reset_index(drop=True), or "
                "another name for one of them"
            )
        if columns.count(name) > 1:
            raise UserError(f"data: two columns are named '{name}'; accepted: a name for each")


def refuse_column(frame: Any, own: Any, read: Callable[[Any], Any]) -> None:
    """Name the first column that cannot be read alone.

    frame: without an index. own: the names of columns before what was in the index. read: what fails to read them.

    Raises:
        UserError: there is one.
    """
    for name in frame.columns:
        try:
            read(alone := frame[[name]])
        except UserError as error:
            why = one_line(str(error).rpartition("cannot be read: ")[2])
            column = f"data{'' if name in own else '.reset_index()'}[{name!r}]"
            way = "sparse.to_dense()" if hasattr(alone.dtypes.iloc[0], "fill_value") else "astype('string')"
            raise UserError(
                f"data: column {str(name)!r} cannot be read: {why}; accepted: values of one type, as "
                f"{column}.{way} makes"
            ) from error
