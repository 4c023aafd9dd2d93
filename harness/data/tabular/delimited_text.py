"""Files of delimited text: what their columns are, told file by file, and how to read them as other types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from harness.data.tabular import blanks
from harness.data.tabular.cells import separator_of
from harness.data.tabular.files import Source
from harness.data.tabular.partitions import SOURCE, partitioned
from harness.data.tabular.schema import Csv
from harness.data.tabular.unlike import Columns, Opened, columns_of

Scan = Callable[[dict[str, pl.DataType]], pl.LazyFrame]
"""Reads the files again; given: column -> the type that it is to have instead of its own."""


def csv_names(files: Sequence[Source], csv: Csv) -> dict[Source, pl.Schema]:
    """The columns of every file of delimited text, all as text."""
    return columns_of(files, lambda file: _as_text([file], csv, _options(files, csv)))


def delimited_text(files: Sequence[Source], csv: Csv, text: Sequence[str]) -> tuple[Columns, Scan]:
    """What files have together, and how to read them. text: columns that are not to be read as numbers.

    Raises:
        UserError: a file cannot be read, or has none of the columns of the first.
    """
    options = _options(files, csv)
    known = dict.fromkeys(text, pl.String)

    def typed(file: Source) -> pl.LazyFrame:
        if csv.blanks:
            plain = _as_text([file], csv, options)
            return blanks.as_types(plain, blanks.types_of(plain, text))
        return pl.scan_csv(
            str(file), infer_schema_length=None, new_columns=csv.names or None, schema_overrides=known, **options
        )

    columns = Columns(_without_empty(columns_of(files, typed, 1), typed), text=True)
    blank = _with_blank_lines(files, csv, options)

    def read(other: dict[str, pl.DataType]) -> pl.LazyFrame:
        def alike(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
            schema = pl.Schema({name: other.get(name, dtype) for name, dtype in wanted.items()})
            if csv.blanks:
                frame = blanks.as_types(_as_text(some, csv, options, SOURCE), schema)
            else:
                frame = pl.scan_csv(_named(some), schema=schema, include_file_paths=SOURCE, **options)
            return partitioned(frame if blank.isdisjoint(some) else without_blank_lines(frame), files)

        return columns.read(alike)

    return columns, read


def without_blank_lines(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of delimited text without those that hold no value, as which Polars reads a blank line."""
    return frame.filter(~pl.all_horizontal(pl.exclude(SOURCE).is_null()))


def _as_text(files: Sequence[Source], csv: Csv, options: dict[str, Any], source: str | None = None) -> pl.LazyFrame:
    """Files of the same columns, all as text. source: the name of a column that says which file a row is of."""
    frame = pl.scan_csv(
        _named(files), infer_schema=False, new_columns=csv.names or None, include_file_paths=source, **options
    )
    return blanks.without_blanks(frame, csv.quote, csv.nulls) if csv.blanks else frame


def _with_blank_lines(files: Sequence[Source], csv: Csv, options: dict[str, Any]) -> set[Source]:
    """The files that have any. Their first column has nulls, so that of most files no other column is read."""

    def has(file: Source) -> bool:
        text = _as_text([file], csv, options)
        nulls = (pl.first().is_null().any(), pl.all_horizontal(pl.all().is_null()).any())
        return len(text.collect_schema()) > 1 and all(text.select(n).collect(engine="streaming").item() for n in nulls)

    return set(filter(has, files))


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


def _options(files: Sequence[Source], csv: Csv) -> dict[str, Any]:
    separator, skip = separator_of(files[0], csv)
    return {
        "glob": False,
        "separator": separator,
        "skip_lines": skip,
        "has_header": csv.header and not csv.names,
        "quote_char": csv.quote or None,
        "comment_prefix": csv.comment or None,
        "null_values": csv.nulls or None,
    }


def _named(files: Sequence[Source]) -> list[str]:
    """As Polars takes them."""
    return [str(file) for file in files]
