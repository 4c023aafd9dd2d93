"""The format of a file, compressed or not: its content tells it."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from harness.base.errors import UserError
from harness.data.tabular.expressions import refusing
from harness.data.tabular.files import Source
from harness.data.tabular.stores import Stored, first_bytes

GZIP, ZSTD, ARROW_STREAM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xff\xff\xff"


def format_of(file: Source) -> str:
    """Parquet, Arrow, JSON lines or CSV, by its content.

    Raises:
        UserError: it cannot be read, is empty, or is nothing of the kind.
    """
    with refusing(f"file '{file}' cannot be read"):
        start = first_block(file)
    if not start:
        raise UserError(f"file '{file}' is empty; accepted: Parquet, Arrow, JSON lines, CSV")
    if start[:4] == b"PAR1":
        return "Parquet"
    if start[:6] == b"ARROW1":
        return "Arrow"
    if start[:4] == ARROW_STREAM or b"\0" in start:
        raise UserError(f"file '{file}' is binary and neither Parquet nor Arrow; accepted: these, JSON lines, CSV")
    return "JSON lines" if start.lstrip()[:1] == b"{" else "CSV"


def first_block(file: Source) -> bytes:
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
