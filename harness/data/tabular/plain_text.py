"""Delimited text read as text, from which what is no part of names and values is taken away: blanks, as in
`user, item`, and what a spreadsheet puts around text, as in `="007"`. Then the types of the columns are told."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl
from polars import selectors

from harness.data.tabular.csv_form import Csv
from harness.data.tabular.partitions import SOURCE

DIGITS = r"^[+-]?\d+$"
FORMULA = r'(?s)^="(.*)"$'
"""A text as a spreadsheet keeps it from being taken for a number."""


def bare(frame: pl.LazyFrame, form: Csv) -> pl.LazyFrame:
    """Names and values of columns of text without what a schema says is no part of them."""
    if form.formulas:
        frame = frame.rename({name: _unpacked(name) for name in frame.collect_schema() if name != SOURCE})
        frame = frame.with_columns(pl.exclude(SOURCE).str.replace(FORMULA, "${1}"))
    if form.blanks:
        frame = _without_blanks(frame, form.quote)
    if not (form.formulas or form.blanks):
        return frame
    known = ~pl.exclude(SOURCE).is_in(["", *form.nulls])
    return frame.with_columns(pl.when(known).then(pl.exclude(SOURCE)))


def _unpacked(name: str) -> str:
    return name[2:-1] if name.startswith('="') and name.endswith('"') else name


def _without_blanks(frame: pl.LazyFrame, quote: str) -> pl.LazyFrame:
    """Nor quotes, which Polars leaves behind a blank."""
    frame = frame.rename({name: _bare(name, quote) for name in frame.collect_schema() if name != SOURCE})
    value = pl.exclude(SOURCE).str.strip_chars()
    if quote:
        mark = pl.escape_regex(quote)
        value = value.str.replace(f"(?s)^{mark}(.*){mark}$", "${1}")
    return frame.with_columns(value)


def types_of(frame: pl.LazyFrame, text: Collection[str]) -> pl.Schema:
    """What columns of text are, told as Polars does. text: columns that stay text."""
    columns = [name for name in frame.collect_schema() if name not in text]
    every = selectors.by_name(*columns)
    whole = every.cast(pl.Int64, strict=False).is_not_null()
    fraction = every.cast(pl.Float64, strict=False).is_not_null() & ~every.str.contains(DIGITS)
    fits = {pl.Boolean(): every.is_in(["true", "false"]), pl.Int64(): whole, pl.Float64(): whole | fraction}
    tried = {dtype: (each | every.is_null()).all() for dtype, each in fits.items()}
    known, *fitting = pl.collect_all([frame.select(each) for each in (every.is_not_null().any(), *tried.values())])

    def told(name: str) -> pl.DataType:
        options = (dtype for dtype, fit in zip(tried, fitting, strict=True) if fit[name][0])
        return next(options, pl.String()) if name in columns and known[name][0] else pl.String()

    return pl.Schema({name: told(name) for name in frame.collect_schema()})


def as_types(frame: pl.LazyFrame, types: pl.Schema) -> pl.LazyFrame:
    """Columns of text as these types."""
    truths = selectors.by_name(*(name for name, dtype in types.items() if dtype == pl.Boolean))
    return frame.with_columns(truths == "true").cast(types)


def _bare(name: str, quote: str) -> str:
    plain = name.strip()
    return plain[1:-1] if quote and len(plain) > 1 and plain[0] == plain[-1] == quote else plain
