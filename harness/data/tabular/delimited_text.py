"""Files of delimited text: what their columns are, told file by file, and how to read them as other types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular import plain_text
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.encodings import in_utf8
from harness.data.tabular.files import Source
from harness.data.tabular.partitions import SOURCE, partitioned
from harness.data.tabular.rewritten import as_given
from harness.data.tabular.text_files import TextFiles, options_of, without_blank_lines
from harness.data.tabular.unlike import Columns, Opened, columns_of

Scan = Callable[[dict[str, pl.DataType]], pl.LazyFrame]
"""Reads the files again; given: column -> the type that it is to have instead of its own."""


class Delimited(NamedTuple):
    """columns: what files have together. read: how to read them. notes: what of them is left out."""

    columns: Columns
    read: Scan
    notes: tuple[str, ...]


def csv_names(files: Sequence[Source], csv: Csv) -> dict[Source, pl.Schema]:
    """The columns of every file of delimited text, all as text."""
    own, options, names = in_utf8(files, csv.encoding), options_of(files, csv), csv.names or None

    def opened(file: Source) -> pl.LazyFrame:
        return plain_text.bare(pl.scan_csv(str(file), infer_schema=False, new_columns=names, **options), csv)

    return dict(zip(files, columns_of(own, opened).values(), strict=True))


def delimited_text(files: Sequence[Source], csv: Csv, text: Sequence[str]) -> Delimited:
    """Files of one table. text: columns that are not to be read as numbers.

    Raises:
        UserError: a file cannot be read, has none of the columns of the first, or lines that may be no rows.
    """
    files = in_utf8(files, csv.encoding)
    try:
        texts = TextFiles(files, csv)
    except UserError as error:
        raise UserError(as_given(str(error))) from error
    known = dict.fromkeys(text, pl.String)

    def typed(file: Source) -> pl.LazyFrame:
        if not texts.is_text(file):
            frame = pl.scan_csv(
                str(file),
                infer_schema_length=None,
                new_columns=csv.names or None,
                schema_overrides=known,
                **texts.options,
            )
            types = frame.collect_schema()
            if all(dtype == pl.String for dtype in types.values()):
                texts.find_headers(file, types.names())
            if not texts.is_text(file):
                return frame
        plain = texts.rows([file])
        return plain_text.as_types(plain, plain_text.types_of(plain, text))

    columns = Columns(_without_empty(columns_of(files, typed, 1), typed), text=True)

    def read(other: dict[str, pl.DataType]) -> pl.LazyFrame:
        def alike(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
            schema = pl.Schema({name: other.get(name, dtype) for name, dtype in wanted.items()})
            if any(map(texts.is_text, some)):
                frame = plain_text.as_types(texts.rows(some, SOURCE), schema)
            else:
                frame = pl.scan_csv(list(map(str, some)), schema=schema, include_file_paths=SOURCE, **texts.options)
            return partitioned(frame if texts.with_blank_lines.isdisjoint(some) else without_blank_lines(frame), files)

        return columns.read(alike)

    return Delimited(columns, read, tuple(map(as_given, texts.notes)))


def _without_empty(own: dict[Source, pl.Schema], opened: Opened) -> dict[Source, pl.Schema]:
    """The same, but a column without a value, which was taken for text, is of no type where other files tell it."""
    told = {(name, dtype) for columns in own.values() for name, dtype in columns.items()}
    times = Counter(name for name, _ in told)
    unsure = [name for name, dtype in told if dtype == pl.String and times[name] > 1]
    if not unsure:
        return own
    found = dict[Source, pl.Schema]()
    for file, columns in own.items():
        text = [name for name in unsure if columns.get(name) == pl.String]
        empty = opened(file).select(pl.col(text).is_null().all()).collect(engine="streaming")
        found[file] = pl.Schema({**columns, **{name: pl.Null() for name in text if empty[name][0]}})
    return found
