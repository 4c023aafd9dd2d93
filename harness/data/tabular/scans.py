"""Files of one table as rows that are not read yet, with the columns of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.cells import readable_rows
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.delimited_text import Scan, delimited_text
from harness.data.tabular.files import PARTITION, Source
from harness.data.tabular.json_lines import JsonLines
from harness.data.tabular.one_table import one_table
from harness.data.tabular.partitions import SOURCE, folder_types, folders_of, partitioned, refuse_others_in
from harness.data.tabular.unlike import Columns, Problem, as_types, columns_of

WHOLE_DIGITS = 18
"""That every whole number of 64 bits may have."""


class Scanned(NamedTuple):
    """frame: the rows of all files, one after the other. again: how to read delimited text with other types.

    problems: of columns that not all files have, or not as one type; the latter are not in the frame. notes: what of
    the files is left out, in words.
    """

    frame: pl.LazyFrame
    again: Scan | None
    problems: Mapping[str, Problem]
    notes: tuple[str, ...] = ()


def scan(files: Sequence[Source], csv: Csv, text: Sequence[str]) -> Scanned:
    """The rows of files of one format; files that hold nothing are left out.

    Decimals without a fraction, as stores write ids, come as the whole numbers they are.

    csv: how delimited text is written. text: columns of it that are not to be read as numbers.

    Raises:
        UserError: a file cannot be read, is of another format or table than the first, has the rows of another, or
            another value than its folder says; or there is no row.
    """
    kind, files, left_out = one_table(files)
    with readable_rows(files, csv):
        match kind:
            case "Parquet":
                found = _parquet(files)
            case "Arrow":
                found = _arrow(files)
            case "JSON lines":
                found = _json_lines(files, csv.short)
            case _:
                columns, again, notes = delimited_text(files, csv, text)
                found = Scanned(again({}), again, columns.problems, notes)
        if found.again is None:
            found = found._replace(frame=_with_whole_numbers(found.frame))
        if not len(found.frame.head(1).collect()):
            raise UserError(f"file '{files[0]}' has 0 rows; accepted: a row for every example")
    told = folders_of(files)
    problems = {name: said for name, said in found.problems.items() if name not in told}
    return found._replace(problems=problems, notes=(*left_out, *found.notes))


def _parquet(files: Sequence[Source]) -> Scanned:
    """Columns that folders tell come from Polars, which then opens no file that a filter of them leaves out; but where
    not every file lies in such a folder, as Polars takes that for an error."""
    types = columns_of(files, lambda file: pl.scan_parquet(str(file), glob=False, hive_partitioning=False))
    refuse_others_in(types)
    names = folders_of(files)
    own = {file: pl.Schema({n: dtype for n, dtype in each.items() if n not in names}) for file, each in types.items()}
    if any(sorted(name for name, _ in PARTITION.findall(str(file))) != sorted(names) for file in files):
        return _placed(own, partial(pl.scan_parquet, glob=False, hive_partitioning=False, include_file_paths=SOURCE))
    columns = Columns(own, text=False)
    hive = folder_types(files)

    def alike(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
        frame = pl.scan_parquet(
            _named(some), glob=False, hive_partitioning=bool(hive), hive_schema=hive or None, try_parse_hive_dates=False
        )
        return as_types(frame, own[some[0]], wanted)

    return Scanned(columns.read(alike), None, columns.problems)


def _arrow(files: Sequence[Source]) -> Scanned:
    own = columns_of(files, lambda file: pl.scan_ipc(str(file), glob=False))
    return _placed(own, partial(pl.scan_ipc, glob=False, include_file_paths=SOURCE))


def _placed(own: Mapping[Source, pl.Schema], opened: Callable[[list[str]], pl.LazyFrame]) -> Scanned:
    """Files whose folders' columns are ours to add. opened: gives rows of several files, with SOURCE."""
    columns = Columns(own, text=False)

    def alike(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
        return partitioned(as_types(opened(_named(some)), own[some[0]], wanted), list(own))

    return Scanned(columns.read(alike), None, columns.problems)


def _json_lines(files: Sequence[Source], short: str) -> Scanned:
    """What a line does not have is null there, whether others of its file have it or not."""
    lines = JsonLines(short)
    columns = Columns(columns_of(files, lines.opened, 1), text=True)
    paths = _named(list(map(lines.read_from, files)))
    frame = pl.scan_ndjson(paths, schema=columns.types, include_file_paths=SOURCE)
    return Scanned(partitioned(frame, files), None, columns.clashing, tuple(lines.notes))


def _with_whole_numbers(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Decimals of scale 0 as integers."""
    types = frame.collect_schema()
    whole = {name: found for name, dtype in types.items() if (found := _whole(dtype)) is not None}
    return frame.cast(pl.Schema(whole)) if whole else frame


def _whole(dtype: pl.DataType) -> pl.DataType | None:
    """The integers that decimals of scale 0 are, or lists of them; None of other types.

    Where the type does not say that all fit 64 bits they have 128, whose ids are the same.
    """
    if isinstance(dtype, pl.List):
        inner = _whole(dtype.inner)  # type: ignore[arg-type]
        return None if inner is None else pl.List(inner)
    if not isinstance(dtype, pl.Decimal) or dtype.scale:
        return None
    return pl.Int64() if dtype.precision is not None and dtype.precision <= WHOLE_DIGITS else pl.Int128()


def _named(files: Sequence[Source]) -> list[str]:
    """As Polars takes them."""
    return [str(file) for file in files]
