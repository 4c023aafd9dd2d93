"""Whole numbers of which a spreadsheet kept the first digits, as `1.2346E+11`: of ids, several became one."""

from __future__ import annotations

import polars as pl
from polars import selectors

from harness.data.guess.columns import Column
from harness.data.guess.words import CODES, ITEMS, NUMBERS, USERS

LOST = r"^-?\d(?:\.\d{1,7})?[eE]\+?(?:0?9|[1-9]\d)$"
"""Fewer digits than the number has."""
LARGE = 1e9


def lost(text: pl.DataFrame) -> list[str]:
    """Columns of text at least half of whose large numbers are so written, but for amounts, which are only rounded."""
    every = selectors.string()
    many = text.select(every.str.contains(LOST).sum())
    large = text.select((every.cast(pl.Float64, strict=False).abs() >= LARGE).sum())
    return [name for name in many.columns if many[name][0] and 2 * many[name][0] >= large[name][0] and _is_id(name)]


def _is_id(name: str) -> bool:
    return Column(pl.Series(name, [], pl.String), name, True).last(NUMBERS | CODES | ITEMS | USERS) not in NUMBERS


def why_left_out(column: Column) -> str:
    """Why such a column is no field; empty: it is none."""
    if not column.is_text or not (found := column.known.filter(column.known.str.contains(LOST))).len():
        return ""
    return (
        f"digits are lost in {found[0]!r}, as a spreadsheet writes, so that several ids may be one; export it as text"
    )
