"""Folders of Hive's, `day=2024-05-01/`: columns of the files in them, which say the same where a file has them too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.extensions import stored
from harness.data.tabular.files import PARTITION, Source
from harness.data.tabular.times import whole_seconds

SOURCE = "\0file"
"""A column of our own: the path of a row's file."""
FOLDER = "\0folder"
"""Another: what a folder says."""
WHOLE = re.compile(r"-?\d{1,18}")
MISSING = "__HIVE_DEFAULT_PARTITION__"
"""What a folder says of rows without a value."""


def partitioned(frame: pl.LazyFrame, files: Sequence[Source]) -> pl.LazyFrame:
    """With a column for every `name=value` among the folders. frame: with SOURCE, which it loses.

    Raises:
        UserError: a file has another value than its folder.
    """
    _refuse_others(frame, files)
    return _with_folders(frame, files)


def refuse_others_in(types: Mapping[Source, pl.Schema]) -> None:
    """The same refusal of Parquet, of whose files each may have a column of another type. types: of their own columns.

    Raises:
        UserError: a file has another value than its folder.
    """
    names = folders_of(types)
    placed = {file: each for file, each in types.items() if PARTITION.search(str(file))}
    for column in dict.fromkeys((name, each[name]) for each in placed.values() for name in names if name in each):
        having = [str(file) for file, each in placed.items() if column in each.items()]
        frame = pl.scan_parquet(
            having, glob=False, hive_partitioning=False, extra_columns="ignore", include_file_paths=SOURCE
        )
        _refuse_others(stored(frame, dict([column])).select(column[0], SOURCE), list(placed))


def folders_of(files: Iterable[Source]) -> list[str]:
    """The names of the columns that folders tell."""
    return list(dict.fromkeys(name for file in files for name, _ in PARTITION.findall(str(file))))


def folder_types(files: Iterable[Source]) -> pl.Schema:
    """The types of these columns: whole numbers, where all that folders say is one, and none stands there as `7` and as
    `07`; else text."""
    told = {(name, value) for file in files for name, value in PARTITION.findall(str(file)) if value != MISSING}
    types = pl.Schema()
    for name in folders_of(files):
        values = [value for key, value in told if key == name]
        whole = values and all(WHOLE.fullmatch(value) for value in values)
        types[name] = pl.Int64() if whole and len(set(map(int, values))) == len(values) else pl.String()
    return types


def _refuse_others(frame: pl.LazyFrame, files: Sequence[Source]) -> None:
    """Refuse a file with another value in a column than its folder says; a missing value is no other.

    frame: with SOURCE.

    Raises:
        UserError: there is one.
    """
    types = frame.collect_schema()
    for name in (name for name in folders_of(files) if name in types):
        both = frame.select(name, SOURCE, _told(name, files).alias(FOLDER)).drop_nulls(name)
        others = both.filter(~_agree(name, types[name]).fill_null(False))
        for value, file, folder in others.head(1).collect().iter_rows():
            raise UserError(
                f"file '{file}' has the value {str(value)!r} in the column '{name}', and its folder says "
                f"{'none' if folder is None else repr(folder)}; "
                "accepted: the same, or another name for the column or the folder"
            )


def _agree(name: str, dtype: pl.DataType) -> pl.Expr:
    """Whether the column is what its folder says, as text, a number or a time: `1` is `01`, and `1.50` is `1.5`."""
    own, folder = pl.col(name), pl.col(FOLDER)
    same = own.cast(pl.String).str.to_lowercase() == folder.str.to_lowercase()
    if dtype.is_numeric() or dtype == pl.String:
        numbers = (pl.Int64(), pl.Float64()) if dtype == pl.String else (dtype,)  # floats round long whole numbers
        equal = [own.cast(each, strict=False) == folder.cast(each, strict=False) for each in numbers]
        same |= pl.coalesce(*equal, False)
    elif dtype in (pl.Date, pl.Datetime):
        same |= (whole_seconds(folder, pl.String(), "") == own.dt.epoch("s")).fill_null(False)
    return same


def _with_folders(frame: pl.LazyFrame, files: Sequence[Source]) -> pl.LazyFrame:
    told = (_told(name, files).cast(dtype).alias(name) for name, dtype in folder_types(files).items())
    return frame.with_columns(told).drop(SOURCE)


def _told(name: str, files: Sequence[Source]) -> pl.Expr:
    """What a folder of this name says, as text; null where that is MISSING, or no folder says anything."""
    written = {value for file in files for key, value in PARTITION.findall(str(file)) if key == name}
    plain = {value: unquote(value, errors="backslashreplace") for value in written}
    found = pl.col(SOURCE).str.extract(rf"(?:^|/){pl.escape_regex(name)}=([^/]*)/")
    return found.replace({value: None if text == MISSING else text for value, text in plain.items()})
