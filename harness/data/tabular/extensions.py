"""Types that others have made of plain ones, as periods of pandas and JSON of Arrow, are read as what stores them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from polars import selectors


def plain(dtype: Any) -> pl.DataType:
    """The type as which one is stored, and the parts of a nested one."""
    match dtype:
        case pl.BaseExtension():
            return plain(dtype.ext_storage())
        case pl.List():
            return pl.List(plain(dtype.inner))
        case pl.Array():
            return pl.Array(plain(dtype.inner), dtype.size)
        case pl.Struct():
            return pl.Struct({part.name: plain(part.dtype) for part in dtype.fields})
    return dtype  # type: ignore[no-any-return]


def stored(frame: pl.LazyFrame, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """The same rows, columns that have such types as what stores them."""
    made = [_stored(selectors.by_name(name), dtype) for name, dtype in types.items() if plain(dtype) != dtype]
    return frame.with_columns(made) if made else frame


def _stored(value: pl.Expr, dtype: Any) -> pl.Expr:
    match dtype:
        case pl.BaseExtension():
            return _stored(value.ext.storage(), dtype.ext_storage())
        case pl.List():
            return value.list.eval(_stored(pl.element(), dtype.inner))
        case pl.Array():
            return value.arr.eval(_stored(pl.element(), dtype.inner))
        case pl.Struct():
            odd = [part for part in dtype.fields if plain(part.dtype) != part.dtype]
            return value.struct.with_fields(_stored(pl.field(part.name), part.dtype) for part in odd) if odd else value
    return value
