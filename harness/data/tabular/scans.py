"""Files of one table as rows that are not read yet, with the columns of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.files import PARTITION, Source
from harness.data.tabular.formats import first_block, one_format, readable
from harness.data.tabular.partitions import SOURCE, folders_of, partitioned, refuse_others_in
from harness.data.tabular.schema import Csv
from harness.data.tabular.unlike import Columns, Problem, as_types

SEPARATORS = "\t,;|"
"""Sought in the first row where a schema names none; the most frequent is taken."""
WHOLE_DIGITS = 18
"""That every whole number of 64 bits may have."""
FOOTERS = 32
"""Files whose columns alone are asked for at once: a store takes its time to answer."""
Scan = Callable[[dict[str, pl.DataType]], pl.LazyFrame]
"""Reads the files again; given: column -> the type that it is to have instead of its own."""

Opened = Callable[[Source], pl.LazyFrame]
"""Opens one file, its columns of the types it has."""


class Scanned(NamedTuple):
    """frame: the rows of all files, one after the other. again: how to read delimited text with other types.

    problems: of columns that not all files have, or not as one type; the latter are not in the frame.
    """

    frame: pl.LazyFrame
    again: Scan | None
    problems: Mapping[str, Problem]


def scan(files: Sequence[Source], csv: Csv, text: Sequence[str]) -> Scanned:
    """The rows of files of one format.

    Decimals without a fraction, as stores write ids, come as the whole numbers they are.

    csv: how delimited text is written. text: columns of it that are not to be read as numbers.

    Raises:
        UserError: a file cannot be read or is empty, is of another format or table than the first, or has another
            value than its folder says.
    """
    kind = one_format(files)
    with readable(files):
        match kind:
            case "Parquet":
                found = _parquet(files)
            case "Arrow":
                found = _arrow(files)
            case "JSON lines":
                found = _json_lines(files)
            case _:
                found = _csv(files, csv, text)
        if found.again is None:
            found = found._replace(frame=_with_whole_numbers(found.frame))
        if not len(found.frame.head(1).collect()):
            raise UserError(f"file '{files[0]}' has 0 rows; accepted: a row for every example")
    told = folders_of(files)
    return found._replace(problems={name: said for name, said in found.problems.items() if name not in told})


def _parquet(files: Sequence[Source]) -> Scanned:
    """Columns that folders tell come from Polars, which then opens no file that a filter of them leaves out; but where
    not every file lies in such a folder, as Polars takes that for an error."""
    types = _each(files, lambda file: pl.scan_parquet(str(file), glob=False, hive_partitioning=False))
    refuse_others_in(types)
    names = folders_of(files)
    own = {file: pl.Schema({n: dtype for n, dtype in each.items() if n not in names}) for file, each in types.items()}
    columns = Columns(own, text=False)
    if any(sorted(name for name, _ in PARTITION.findall(str(file))) != sorted(names) for file in files):

        def placed(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
            frame = pl.scan_parquet(_named(some), glob=False, hive_partitioning=False, include_file_paths=SOURCE)
            return partitioned(as_types(frame, own[some[0]], wanted), files)

        return Scanned(columns.read(placed), None, columns.problems)
    told = pl.scan_parquet(_named(files), glob=False, hive_partitioning=True, try_parse_hive_dates=False)
    hive = {name: told.collect_schema()[name] for name in names}

    def alike(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
        frame = pl.scan_parquet(
            _named(some), glob=False, hive_partitioning=bool(hive), hive_schema=hive or None, try_parse_hive_dates=False
        )
        return as_types(frame, own[some[0]], wanted)

    return Scanned(columns.read(alike), None, columns.problems)


def _arrow(files: Sequence[Source]) -> Scanned:
    own = _each(files, lambda file: pl.scan_ipc(str(file), glob=False))
    columns = Columns(own, text=False)

    def alike(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
        frame = pl.scan_ipc(_named(some), glob=False, include_file_paths=SOURCE)
        return partitioned(as_types(frame, own[some[0]], wanted), files)

    return Scanned(columns.read(alike), None, columns.problems)


def _json_lines(files: Sequence[Source]) -> Scanned:
    """What a line does not have is null there, whether others of its file have it or not."""
    columns = Columns(_each(files, lambda file: pl.scan_ndjson(str(file), infer_schema_length=None), 1), text=True)
    frame = pl.scan_ndjson(_named(files), schema=columns.types, include_file_paths=SOURCE)
    problems = {name: problem for name, problem in columns.problems.items() if not problem.lacks}
    return Scanned(partitioned(frame, files), None, problems)


def csv_names(files: Sequence[Source], csv: Csv) -> dict[Source, pl.Schema]:
    """The columns of every file of delimited text, all as text."""
    options = _options(files, csv)
    return _each(
        files, lambda file: pl.scan_csv(str(file), infer_schema=False, new_columns=csv.names or None, **options)
    )


def _csv(files: Sequence[Source], csv: Csv, text: Sequence[str]) -> Scanned:
    options = _options(files, csv)
    known = dict.fromkeys(text, pl.String)

    def typed(file: Source) -> pl.LazyFrame:
        return pl.scan_csv(
            str(file), infer_schema_length=None, new_columns=csv.names or None, schema_overrides=known, **options
        )

    columns = Columns(_without_empty(_each(files, typed, 1), typed), text=True)
    blank = _with_blank_lines(files, options)

    def read(other: dict[str, pl.DataType]) -> pl.LazyFrame:
        def alike(some: Sequence[Source], wanted: pl.Schema) -> pl.LazyFrame:
            schema = pl.Schema({name: other.get(name, dtype) for name, dtype in wanted.items()})
            frame = pl.scan_csv(_named(some), schema=schema, include_file_paths=SOURCE, **options)
            return partitioned(frame if blank.isdisjoint(some) else without_blank_lines(frame), files)

        return columns.read(alike)

    return Scanned(read({}), read, columns.problems)


def without_blank_lines(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of delimited text without those that hold no value, as which Polars reads a blank line."""
    return frame.filter(~pl.all_horizontal(pl.exclude(SOURCE).is_null()))


def _with_blank_lines(files: Sequence[Source], options: dict[str, Any]) -> set[Source]:
    """The files that have any. Their first column has nulls, so that of most files no other column is read."""

    def has(file: Source) -> bool:
        text = pl.scan_csv(str(file), infer_schema=False, **options)
        nulls = (pl.first().is_null().any(), pl.all_horizontal(pl.all().is_null()).any())
        return len(text.collect_schema()) > 1 and all(text.select(n).collect(engine="streaming").item() for n in nulls)

    return set(filter(has, files))


def _without_empty(own: dict[Source, pl.Schema], opened: Opened) -> dict[Source, pl.Schema]:
    """The same, but a column without a value, which was taken for text, is of no type where other files tell it."""
    told = {(name, dtype) for columns in own.values() for name, dtype in columns.items()}
    unsure = [name for name, dtype in told if dtype == pl.String and sum(name == other for other, _ in told) > 1]
    if not unsure:
        return own
    found = dict[Source, pl.Schema]()
    for file, columns in own.items():
        text = [name for name in unsure if columns.get(name) == pl.String]
        empty = opened(file).select(pl.col(text).is_null().all()).collect(engine="streaming")
        found[file] = pl.Schema({**columns, **{name: pl.Null() for name in text if empty[name][0]}})
    return found


def _options(files: Sequence[Source], csv: Csv) -> dict[str, Any]:
    return {
        "glob": False,
        "separator": csv.separator or max(SEPARATORS, key=_first_row(first_block(files[0]), csv.comment).count),
        "has_header": csv.header and not csv.names,
        "quote_char": csv.quote or None,
        "comment_prefix": csv.comment or None,
        "null_values": csv.nulls or None,
    }


def _each(files: Sequence[Source], opened: Opened, at_once: int = FOOTERS) -> dict[Source, pl.Schema]:
    """The columns of every file. at_once: how many are opened together, each of which may be held in memory."""

    def columns_of(file: Source) -> pl.Schema:
        with readable([file]):
            return opened(file).collect_schema()

    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(files, pool.map(columns_of, files), strict=True))


def _first_row(start: bytes, comment: str) -> str:
    """The first line that is no comment."""
    lines = start.decode(errors="replace").splitlines()
    return next((line for line in lines if not (comment and line.startswith(comment))), "")


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
