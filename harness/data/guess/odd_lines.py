"""Lines of delimited text that are no rows, and values that are not what is written: what a schema says of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import polars as pl
from polars import selectors

from harness.data.guess.delimited import Form
from harness.data.guess.marks import NUMBER as NUMERIC
from harness.data.tabular.cells import readable_rows
from harness.data.tabular.csv_form import NULLS
from harness.data.tabular.files import Source
from harness.data.tabular.no_rows import NUMBER, Short, is_header, is_total, named_width, short_rows
from harness.data.tabular.plain_text import FORMULA, bare

NO_VALUE = r"\N"
FEW = 0.05
"""The share of rows that may be damaged; where more are short, whoever wrote them leaves out empty cells at the end."""


def with_odd_lines(texts: Mapping[Source, bytes], form: Form) -> tuple[Form, dict[Source, pl.LazyFrame]]:
    """The form that all of these need, and their rows as text without the lines that are none.

    texts: pieces of files in UTF-8, as written in this form.

    Raises:
        UserError: one has no row, or a row with more cells than others.
    """
    frames = dict[Source, pl.LazyFrame]()
    for file, text in texts.items():
        with readable_rows([file], form.csv):
            frames[file] = _read(text, form)
    short = {file: found for file, text in texts.items() if (found := _short(text, frames[file], form)) is not None}
    if short:
        form = _dropping(form, frames, short)
    for name, frame in frames.items():
        gone = short[name].numbers if name in short and form.short == "drop" else []
        frames[name] = frame.filter(~pl.col(NUMBER).is_in(gone)).drop(NUMBER)
    for tell in (_formulas, _totals, _nulls):
        form = tell(form, frames)
    return form, {file: _rows(frame, form) for file, frame in frames.items()}


def _read(text: bytes, form: Form) -> pl.LazyFrame:
    options: dict[str, Any] = {
        "separator": form.separator,
        "has_header": form.header,
        "comment_prefix": form.comment or None,
        "new_columns": list(form.names) or None,
        "skip_lines": form.skip,
        "skip_rows_after_header": form.below or 0,
        "infer_schema": False,
    }
    return pl.read_csv(io.BytesIO(text), row_index_name=NUMBER, **options).lazy()


def _short(text: bytes, frame: pl.LazyFrame, form: Form) -> Short | None:
    names = [name for name in frame.collect_schema() if name != NUMBER]
    width = named_width(names)
    return short_rows(text, form.separator, form.skip, form.csv, width) if width > 1 else None


def _dropping(form: Form, frames: Mapping[Source, pl.LazyFrame], short: Mapping[Source, Short]) -> Form:
    rows = sum(frame.select(pl.len()).collect().item() for frame in frames.values())
    few = sum(len(each.numbers) for each in short.values()) <= FEW * rows
    what = "such rows are left out" if few else "so many that empty cells at the end are left out: they are unknown"
    said = f"{next(iter(short.values())).said}; {what}"
    return form.told("short", "drop" if few else "null", said)


def _formulas(form: Form, frames: Mapping[Source, pl.LazyFrame]) -> Form:
    found = (frame.select(pl.all().str.contains(FORMULA).any()).collect() for frame in frames.values())
    if not any(any(column.any() for column in frame) for frame in found):
        return form
    return form.told("formulas", True, 'as ="007" is the text 007')


def _totals(form: Form, frames: Mapping[Source, pl.LazyFrame]) -> Form:
    """Where a total is the last row, and the only one."""
    for frame in frames.values():
        total = frame.select(is_total()).collect().to_series()
        if total.sum() == 1 and total.last():
            row = form.separator.join(cell or "" for cell in frame.last().collect().row(0))
            return form.told("totals", True, f"as the last row, {row!r}")
    return form


def _nulls(form: Form, frames: Mapping[Source, pl.LazyFrame]) -> Form:
    """Words that stand where all else is numbers, and NO_VALUE anywhere."""
    found, every = set(form.nulls), pl.concat([_rows(frame, form) for frame in frames.values()], how="diagonal")
    odd, number = pl.all().is_in(NULLS), pl.all().str.contains(NUMERIC.pattern)
    number |= pl.all().str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
    told = [odd.any(), (number & ~odd).any(), (odd | number | pl.all().is_null()).all()]
    some, numbers, fit = pl.collect_all([every.select(each) for each in told])
    for name in (name for name in some.columns if some[name][0] and numbers[name][0] and fit[name][0]):
        own = every.select(selectors.by_name(name)).collect().to_series()
        found |= set(own.filter(own.is_in(NULLS)))
    reasons = [] if not found else ["stand where all else is numbers"]
    if any(every.select((pl.all() == NO_VALUE).any()).collect().row(0)):
        found.add(NO_VALUE)
        reasons.append(f"{NO_VALUE} is what Hive, MySQL and PostgreSQL write for no value")
    if found == set(form.nulls):
        return form
    return form.told("nulls", tuple(sorted(found)), "; ".join(reasons))


def _rows(frame: pl.LazyFrame, form: Form) -> pl.LazyFrame:
    if form.header:
        frame = frame.filter(~is_header(frame.collect_schema().names()))
    if form.totals:
        frame = frame.filter(~is_total())
    frame = frame.with_columns(pl.when(~pl.all().is_in(form.nulls)).then(pl.all())) if form.nulls else frame
    return bare(frame, form.csv)
