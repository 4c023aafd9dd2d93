"""Lines of delimited text that are no rows: the header once more, totals, and rows that were cut short."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl
from polars import selectors

from harness.base.errors import UserError
from harness.data.tabular.cells import shown
from harness.data.tabular.csv_form import NULLS, Csv
from harness.data.tabular.encodings import compression_of, opened
from harness.data.tabular.files import Source
from harness.data.tabular.partitions import SOURCE
from harness.data.tabular.stores import Stored

TOTAL = r"(?i)^\s*(?:grand\s+|sub-?)?(?:totals?|sums?|summe|gesamt|somme|totale|totaal|suma|итого|合计|总计)\s*:?\s*$"
"""A cell that says so."""
DOUBLED = re.compile(r"_duplicated_\d+$")
"""Ends the names of columns whose names stand in the header before."""
NUMBER = "\0number"
"""A column of our own: which row of its file this is."""
UNIT = re.compile(r"^[\[(].*[\])]$|^:?-+:?$|^\D{1,12}$|^\d/\d$")
NUMERIC = re.compile(r"^[+-]?[\d.,\'% -]*\d[\d.,\'% -]*(?:[eE][+-]?\d+)?$")
LEAST = 2
"""Rows below one of units."""
END = 1 << 12
"""Bytes in which the last line of a file is sought."""


class Short(NamedTuple):
    """Rows with fewer cells than the header. numbers: which, from 0. said: how many, and the first of them."""

    numbers: list[int]
    said: str


def named_width(names: Sequence[str]) -> int:
    """The cells of a row up to the last that has a name; behind the last separator of a header there is none."""
    return max((at for at, name in enumerate(names, start=1) if DOUBLED.sub("", name)), default=len(names))


def is_header(names: Sequence[str]) -> pl.Expr:
    """Whether a row of text holds the names of the columns, each in its place."""
    told = {name: DOUBLED.sub("", name) for name in names}
    own = {name: selectors.by_name(name) for name in names}
    return pl.all_horizontal(own[name].eq_missing(pl.lit(text or None, pl.String)) for name, text in told.items())


def is_total() -> pl.Expr:
    """Whether the first cell of a row of text that holds anything says so, and another one holds nothing."""
    own = pl.exclude(SOURCE, NUMBER)
    return pl.coalesce(own).str.contains(TOTAL).fill_null(False) & pl.any_horizontal(own.is_null())


def refuse_total(file: Source, separator: str, form: Csv) -> None:
    """Refuse a file whose last line is a total.

    Raises:
        UserError: it is one. Of files in a store, and of compressed ones, the end is not known.
    """
    if isinstance(file, Stored) or compression_of(file) or form.totals is not None:
        return
    with file.open("rb") as raw:
        raw.seek(max(0, file.stat().st_size - END))
        last = raw.read().decode(errors="replace").rstrip().splitlines()[-1:]
    row = next(csv.reader(last, delimiter=separator), [])
    said = next(filter(None, row), "")
    if len(row) > 1 and not all(row) and re.match(TOTAL, said):
        raise UserError(
            f"file '{file}' ends in the line {shown(row, separator)}, a total; accepted: totals = true under [csv], "
            "which leaves such rows out, or totals = false, which keeps them"
        )


def units_in(rows: Sequence[Sequence[str | None]]) -> bool:
    """Whether the first row below a header holds units, as `[s],[EUR]`, or a rule, as `---`: it has no number, though a
    column is numbers below it, and nothing of it comes again."""
    first, rest = (rows[0], rows[1:]) if rows else ((), ())
    known = [cell for cell in first if cell and cell not in NULLS]
    if len(rest) < LEAST or not known or not all(map(UNIT.search, known)):
        return False
    columns = list(zip(first, *rest, strict=False))
    if any(cell and cell in below for cell, *below in columns):
        return False
    return any(cell in known and all(not each or NUMERIC.search(each) for each in below) for cell, *below in columns)


def short_rows(text: Source | bytes, separator: str, skip: int, form: Csv, width: int) -> Short | None:
    """The rows of a file, or of a part of one, with fewer cells than the header, blank lines aside; None: none has."""
    lines = _scanned(text, skip)
    if form.comment:
        lines = lines.filter(~pl.col("line").str.starts_with(form.comment))
    bare = pl.col("line").str.replace_all('"[^"]*"', "") if form.quote else pl.col("line")
    fewer = (pl.col("line") != "") & (bare.str.count_matches(separator, literal=True) + 1 < width)
    if not lines.select(fewer.any()).collect(engine="streaming").item():
        return None
    numbers, first, last = list[int](), "", 0
    for number, (line, row) in enumerate(_rows(text, separator, skip, form)):
        last = number if row else last
        if row and len(row) < width:
            numbers.append(number)
            first = first or f"line {line}, {shown(row, separator)}, has {len(row)}"
    if not numbers:
        return None
    many = "1 row has" if len(numbers) == 1 else f"{len(numbers):,} rows have"
    cut = ", the last, as where a file was cut" if numbers == [last] else ""
    return Short(numbers, f"{many} fewer cells than the header, which has {width}: {first}{cut}")


def _scanned(text: Source | bytes, skip: int) -> pl.LazyFrame:
    return pl.scan_lines(text if isinstance(text, bytes) else str(text), glob=False).slice(skip)


def _rows(text: Source | bytes, separator: str, skip: int, form: Csv) -> Iterator[tuple[int, list[str]]]:
    """Of every row below the header, the line it begins at, and its cells; none of a blank line."""
    lines = _lines(text, skip)
    rows = csv.reader(lines, delimiter=separator, quotechar=form.quote or None, quoting=0 if form.quote else 3)
    header, begun = form.header and not form.names, skip + 1
    try:
        for row in rows:
            if not (form.comment and row and row[0].startswith(form.comment)):
                if header:
                    header = not row
                else:
                    yield begun, row
            begun = skip + rows.line_num + 1
    except csv.Error as error:
        named = "" if isinstance(text, bytes) else f"file '{text}': "
        raise UserError(
            f'{named}the row at line {begun} does not end, {error}; accepted: quotes in pairs, or quote = "" '
            "under [csv] where they are text"
        ) from error


def _lines(text: Source | bytes, skip: int) -> Iterator[str]:
    """Decompressed; of a store as they are read."""
    if isinstance(text, Stored):
        for batch in _scanned(text, skip).collect_batches(engine="streaming"):
            yield from (f"{line}\n" for line in batch.to_series())
        return
    raw = io.BytesIO(text) if isinstance(text, bytes) else opened(text)
    with io.TextIOWrapper(raw, "utf-8-sig", newline="") as lines:
        for _ in range(skip):
            lines.readline()
        yield from lines
