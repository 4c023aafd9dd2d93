"""The format of a file, compressed or not: its content tells it."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from harness.base.errors import UserError
from harness.data.tabular.encodings import GZIP, ZSTD, not_utf8
from harness.data.tabular.expressions import refusing
from harness.data.tabular.files import Source
from harness.data.tabular.json_lines import refused_lines
from harness.data.tabular.mixed import mixed
from harness.data.tabular.other_formats import other_format
from harness.data.tabular.stores import Stored, first_bytes

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BLOCK = 1 << 16
"""Bytes that tell the format."""
TYPES = re.compile("cannot parse|unexpected value|supertype")
"""What Polars says where values of one field have nothing in common."""
NO_OBJECT = "expected to contain JSON object"


def format_of(file: Source) -> str:
    """Parquet, Arrow, JSON lines or CSV, by its content; empty: it holds nothing but blanks.

    Raises:
        UserError: it cannot be read, or is nothing of the kind.
    """
    with refusing(f"file '{file}' cannot be read"):
        start = first_block(file)
    if len(start) < BLOCK and not start.removeprefix(codecs.BOM_UTF8).strip():
        return ""
    if start[:4] == b"PAR1":
        return "Parquet"
    if start[:6] == b"ARROW1":
        return "Arrow"
    _refuse_binary(file, start)
    bare = start.removeprefix(codecs.BOM_UTF8)
    if b"\r" in start and b"\n" not in start:
        raise UserError(f"file '{file}' ends lines by CR alone; accepted: LF or CR LF, as `tr '\\r' '\\n'` makes")
    if re.match(rb"\s*\[\s*\{", bare):
        raise UserError(f"file '{file}' is one list of JSON; accepted: an object on each line, as `jq -c '.[]'` makes")
    if bare.lstrip()[:1] != b"{":
        return "CSV"
    if bare != start:
        raise UserError(
            f"file '{file}' begins with a byte order mark; accepted: JSON lines without, as `dos2unix -r` makes"
        )
    return "JSON lines"


def _refuse_binary(file: Source, start: bytes) -> None:
    if start[:2] in UTF_16:
        raise UserError(f"file '{file}' is UTF-16; accepted: UTF-8, as `iconv -f utf-16 -t utf-8` makes")
    if (other := other_format(start, str(file))) is not None:
        raise UserError(
            f"file '{file}' is {other[0]}; accepted: Parquet, Arrow, JSON lines or CSV, as {other[1]} makes"
        )
    if b"\0" in start:
        raise UserError(f"file '{file}' is binary and neither Parquet nor Arrow; accepted: these, JSON lines, CSV")


def first_block(file: Source) -> bytes:
    """Its first bytes, decompressed."""
    with io.BytesIO(first_bytes(file)) if isinstance(file, Stored) else file.open("rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        if start[:2] == GZIP:
            return _begun(gzip.GzipFile(fileobj=raw).read)
        if start == ZSTD:
            return _begun(pa.CompressedInputStream(pa.PythonFile(raw), "zstd").read)
        return raw.read(BLOCK)


def has_rows(text: bytes) -> bool:
    """Whether a text goes on below its first line, which may be a header."""
    return bool(text.partition(b"\n")[2].strip())


def _begun(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(BLOCK)
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
        if plainer := _plainer(files, str(error)):
            raise UserError(f"{where}{plainer}") from error
        raise


def _plainer(files: Sequence[Source], said: str) -> str:
    """What is wrong with files of which Polars says this; empty: it is not known."""
    if "utf" in said.lower():
        return not_utf8(files, format_of(files[0]) in ("CSV", ""))
    if NO_OBJECT in said:
        return refused_lines(files)
    if TYPES.search(said) and format_of(files[0]) == "JSON lines":
        return mixed(files)
    return ""
