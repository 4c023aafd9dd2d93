"""Files as rows that are not read yet. The content of a file tells its format, compressed or not."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from harness.base.errors import UserError
from harness.data.tabular.expressions import refusing
from harness.data.tabular.files import Source
from harness.data.tabular.partitions import SOURCE, json_lines, parquet, partitioned
from harness.data.tabular.schema import Csv
from harness.data.tabular.stores import Stored, first_bytes

SEPARATORS = "\t,;|"
"""Sought in the first row where a schema names none; the most frequent is taken."""
GZIP, ZSTD, ARROW_STREAM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xff\xff\xff"
WHOLE_DIGITS = 18
"""That every whole number of 64 bits may have."""
Scan = Callable[[dict[str, pl.DataType]], pl.LazyFrame]
"""Reads the files again; given: column -> the type that it is to have instead of its own."""


def scan(files: Sequence[Source], csv: Csv, text: Sequence[str]) -> tuple[pl.LazyFrame, Scan | None]:
    """The rows of all files, one after the other, and for delimited text how to read it with other types.

    Decimals without a fraction, as stores write ids, come as the whole numbers they are.

    csv: how delimited text is written. text: columns of it that are not to be read as numbers.

    Raises:
        UserError: a file cannot be read or is empty, or files are of several formats.
    """
    kinds = {file: format_of(file) for file in files}
    kind = kinds[files[0]]
    for file, other in kinds.items():
        if other != kind:
            raise UserError(f"file '{file}' is {other} and '{files[0]}' is {kind}; accepted: files of one format")
    with readable(files):
        read = _csv(files, csv, text) if kind == "CSV" else None
        frame = read({}) if read is not None else _with_whole_numbers(_others(kind, files))
        if not len(frame.head(1).collect()):
            raise UserError(f"file '{files[0]}' has 0 rows; accepted: a row for every example")
    return frame, read


def format_of(file: Source) -> str:
    """Parquet, Arrow, JSON lines or CSV, by its content.

    Raises:
        UserError: it cannot be read, is empty, or is nothing of the kind.
    """
    with refusing(f"file '{file}' cannot be read"):
        start = _first_block(file)
    if not start:
        raise UserError(f"file '{file}' is empty; accepted: Parquet, Arrow, JSON lines, CSV")
    if start[:4] == b"PAR1":
        return "Parquet"
    if start[:6] == b"ARROW1":
        return "Arrow"
    if start[:4] == ARROW_STREAM or b"\0" in start:
        raise UserError(f"file '{file}' is binary and neither Parquet nor Arrow; accepted: these, JSON lines, CSV")
    return "JSON lines" if start.lstrip()[:1] == b"{" else "CSV"


def _first_block(file: Source) -> bytes:
    """Its first bytes, decompressed."""
    with io.BytesIO(first_bytes(file)) if isinstance(file, Stored) else file.open("rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        if start[:2] == GZIP:
            return _begun(gzip.GzipFile(fileobj=raw).read)
        if start == ZSTD:
            return _begun(pa.CompressedInputStream(pa.PythonFile(raw), "zstd").read)
        return raw.read(1 << 16)


def _begun(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(1 << 16)
    except (EOFError, zlib.error) as error:
        raise OSError(f"the compressed data is damaged: {error}") from error


def _others(kind: str, files: Sequence[Source]) -> pl.LazyFrame:
    match kind:
        case "Parquet":
            return parquet(files)
        case "Arrow":
            return partitioned(pl.scan_ipc(_named(files), glob=False, include_file_paths=SOURCE), files)
        case _:
            return json_lines(files)


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


def _csv(files: Sequence[Source], csv: Csv, text: Sequence[str]) -> Scan:
    separator = csv.separator or max(SEPARATORS, key=_first_row(_first_block(files[0]), csv.comment).count)
    options: dict[str, Any] = {
        "glob": False,
        "separator": separator,
        "has_header": csv.header and not csv.names,
        "quote_char": csv.quote or None,
        "comment_prefix": csv.comment or None,
        "null_values": csv.nulls or None,
        "new_columns": csv.names or None,
        "include_file_paths": SOURCE,
    }
    sources = _named(files)
    names = pl.scan_csv(sources, infer_schema=False, **options).collect_schema()
    known = {name: pl.String for name in text if name in names}
    guess = pl.scan_csv(
        sources, infer_schema_length=None, infer_schema_files=len(files), schema_overrides=known, **options
    )
    types = {name: dtype for name, dtype in guess.collect_schema().items() if name != SOURCE}
    del options["new_columns"]

    def read(other: dict[str, pl.DataType]) -> pl.LazyFrame:
        return partitioned(pl.scan_csv(sources, schema=types | other, **options), files)

    return read


def _first_row(start: bytes, comment: str) -> str:
    """The first line that is no comment."""
    lines = start.decode(errors="replace").splitlines()
    return next((line for line in lines if not (comment and line.startswith(comment))), "")


@contextmanager
def readable(files: Sequence[Source], where: str = "") -> Iterator[None]:
    """Turn an error of reading these files into one line, which begins with `where`."""
    named = f"file '{files[0]}'" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    try:
        with refusing(f"{where}{named} cannot be read"):
            yield
    except UserError as error:
        if "utf" not in str(error).lower():
            raise
        raise UserError(f"{where}{_not_utf8(files) or error}") from error


def _not_utf8(files: Sequence[Source]) -> str:
    """Where text is not UTF-8, if one of the files is plain text."""
    for file in (file for file in files if isinstance(file, Path)):
        with file.open("rb") as lines:
            for row, line in enumerate(lines, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    found = f"file '{file}': row {row} is not UTF-8, at the byte {line[error.start]:#04x}"
                    return f"{found}; convert it first, as by `iconv -f latin1 -t utf8`"
    return ""
