"""Files of delimited text as rows of text: looked at for lines that are no rows, which are left out or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from polars import selectors

from harness.base.errors import UserError
from harness.data.tabular import plain_text
from harness.data.tabular.cells import separator_of, shown
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.files import Source
from harness.data.tabular.formats import readable
from harness.data.tabular.no_rows import (
    NUMBER,
    Short,
    is_header,
    is_total,
    named_width,
    refuse_total,
    short_rows,
    units_in,
)
from harness.data.tabular.partitions import SOURCE

FIRST = 200
"""Rows that tell one of units."""


class TextFiles:
    """Files written as `form` says. options: of Polars, as which they are read.

    Raises:
        UserError: a file cannot be read, or has lines that may be no rows.
    """

    def __init__(self, files: Sequence[Source], form: Csv) -> None:
        self._form, self.options = form, options_of(files, form)
        self._short, self._repeated = dict[Source, Short](), dict[Source, int]()
        self.with_blank_lines = set[Source]()
        for file in files:
            with readable([file]):
                self._look_at(file)

    @property
    def notes(self) -> Iterator[str]:
        """What is left out."""
        for file, short in self._short.items():
            yield f"file '{file}': {short.said}; left out, as short = \"drop\" says"
        for file, times in self._repeated.items():
            many = "once more" if times == 1 else f"{times:,} times more"
            yield f"file '{file}' has its header {many} among its rows, which is left out there"

    def is_text(self, file: Source) -> bool:
        """Whether a file is read as text first, of which some is not to be read."""
        form = self._form
        return form.blanks or form.formulas or bool(form.totals) or file in self._short or file in self._repeated

    def find_headers(self, file: Source, names: Sequence[str]) -> None:
        """Look for the header among the rows of a file, where all columns are text."""
        if self.options["has_header"]:
            again = self._scan([file]).filter(is_header(names)).select(pl.len())
            if times := again.collect(engine="streaming").item():
                self._repeated[file] = times

    def rows(self, files: Sequence[Source], source: str | None = None) -> pl.LazyFrame:
        """The rows of files of the same columns, all as text, in their order. source: a column of their paths."""
        if self._short.keys().isdisjoint(files):
            return self._rows_of(self._scan(files, source))
        return pl.concat([self._rows_of(self._complete(file, source)) for file in files])

    def _look_at(self, file: Source) -> None:
        """Blank and short lines leave the last column empty, so that of most files no more than two are read."""
        refuse_total(file, self.options["separator"], self._form)
        text = self._scan([file])
        names = text.collect_schema().names()
        self._refuse_units(file, text)
        width = named_width(names)
        if len(names) < 2:
            return
        first, last = (selectors.by_name(name) for name in (names[0], names[width - 1]))
        empty = text.select(first.is_null().any().alias("first"), last.is_null().any().alias("last"))
        found = empty.collect(engine="streaming").row(0, named=True)
        if found["last"] and self._form.short != "null":
            self._find_short(file, width)
        nothing = pl.all_horizontal(pl.all().is_null()).any()
        if all(found.values()) and text.select(nothing).collect(engine="streaming").item():
            self.with_blank_lines.add(file)

    def _refuse_units(self, file: Source, text: pl.LazyFrame) -> None:
        if self._form.below is not None or not self.options["has_header"]:
            return
        if units_in(rows := text.head(FIRST).collect().rows()):
            line = shown([cell or "" for cell in rows[0]], self.options["separator"])
            raise UserError(
                f"file '{file}': the line below the header, {line}, is no row, as all below it have numbers; accepted: "
                "below = 1 under [csv], which leaves it out, or below = 0, which keeps it"
            )

    def _find_short(self, file: Source, width: int) -> None:
        short = short_rows(file, self.options["separator"], self.options["skip_lines"], self._form, width)
        if short is not None and not self._form.short:
            raise UserError(
                f"file '{file}': {short.said}; accepted: no row with fewer, or under [csv] short = \"drop\", which "
                'leaves them out, or short = "null", by which what they lack is unknown'
            )
        if short is not None:
            self._short[file] = short

    def _complete(self, file: Source, source: str | None) -> pl.LazyFrame:
        """Without the rows that are cut short."""
        frame = self._scan([file], source, NUMBER)
        short = self._short[file].numbers if file in self._short else []
        return frame.filter(~pl.col(NUMBER).is_in(short)).drop(NUMBER)

    def _rows_of(self, text: pl.LazyFrame) -> pl.LazyFrame:
        """Without what is no row, nor part of a value."""
        names = [name for name in text.collect_schema().names() if name != SOURCE]
        if self.options["has_header"]:
            text = text.filter(~is_header(names))
        if self._form.totals:
            text = text.filter(~is_total())
        return plain_text.bare(text, self._form)

    def _scan(self, files: Sequence[Source], source: str | None = None, number: str | None = None) -> pl.LazyFrame:
        return pl.scan_csv(
            list(map(str, files)),
            infer_schema=False,
            new_columns=self._form.names or None,
            include_file_paths=source,
            row_index_name=number,
            **self.options,
        )


def without_blank_lines(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of delimited text without those that hold no value, as which Polars reads a blank line."""
    return frame.filter(~pl.all_horizontal(pl.exclude(SOURCE).is_null()))


def options_of(files: Sequence[Source], form: Csv) -> dict[str, Any]:
    """What Polars is told of how files are written."""
    separator, skip = separator_of(files[0], form)
    return {
        "glob": False,
        "separator": separator,
        "skip_lines": skip,
        "skip_rows_after_header": form.below or 0,
        "has_header": form.header and not form.names,
        "quote_char": form.quote or None,
        "comment_prefix": form.comment or None,
        "null_values": form.nulls or None,
    }
