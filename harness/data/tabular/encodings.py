"""Text that is not UTF-8: in which encoding it is likely to be, and delimited text of it as files in UTF-8."""

from __future__ import annotations

import gzip
import io
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from harness.base.errors import UserError
from harness.data.tabular.files import Source
from harness.data.tabular.rewritten import rewritten
from harness.data.tabular.stores import Stored, first_bytes

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
WESTERN = "windows-1252"
"""It has all letters of Latin-1, in the same places."""
HIGH = re.compile(rb"[\x80-\xff]+")
BLOCK = 1 << 20
CUT = "unexpected end of data"
"""What Python says of text whose last letter is not whole."""
BROKEN = "as where a copy broke off; accepted: a whole copy, or one without this line, as `head -n -1` makes"
SHOWN = 40
"""Letters of a line that are quoted."""


def compression_of(file: Source) -> str | None:
    """gzip, zstd or none, as a file begins."""
    if isinstance(file, Stored):
        start = first_bytes(file)[:4]
    else:
        with file.open("rb") as raw:
            start = raw.read(4)
    return "gzip" if start.startswith(GZIP) else "zstd" if start == ZSTD else None


def opened(file: Path) -> BinaryIO:
    """A file of this machine, decompressed."""
    packed = compression_of(file)
    if packed == "gzip":
        return gzip.open(file, "rb")  # type: ignore[return-value]
    return io.BufferedReader(pa.input_stream(str(file), compression=packed)) if packed else file.open("rb")


def likely(text: bytes) -> str:
    """WESTERN, where letters above ASCII stand alone among others, as in western languages; empty: unknown."""
    runs = HIGH.findall(text)
    if 2 * sum(len(run) == 1 for run in runs) <= len(runs):
        return ""
    try:
        text.decode(WESTERN)
    except UnicodeDecodeError:
        return ""
    return WESTERN


def not_utf8(files: Sequence[Source], delimited: bool) -> str:
    """Where the text of a file of this machine is not UTF-8, and what reads it; empty: all is, or none is one.

    delimited: whether a schema can name its encoding.
    """
    for file in (file for file in files if isinstance(file, Path)):
        with opened(file) as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    if error.reason == CUT:
                        return f"file '{file}': line {number}, the last, ends within a letter, {BROKEN}"
                    found = f"file '{file}': line {number} is not UTF-8, at the byte {line[error.start]:#04x}"
                    return found + _reads(line, error.start, delimited)
    return ""


def _reads(line: bytes, at: int, delimited: bool) -> str:
    """What reads such a line."""
    known = likely(line)
    text = line[max(0, at - SHOWN // 2) :][:SHOWN].decode(WESTERN, errors="replace").strip()
    name = known or "shift_jis"
    said = f", but likely {known}, which reads {text!r}" if known else ", in an encoding that is not known"
    setting = f'encoding = "{name}" under [csv], or ' if delimited else ""
    other = "" if known else ", with the name of the right one"
    return f"{said}; accepted: {setting}UTF-8, as `iconv -f {name} -t utf-8` makes{other}"


def in_utf8(files: Sequence[Source], encoding: str) -> Sequence[Source]:
    """The files themselves if they have no encoding of their own, and else copies.

    Raises:
        UserError: a byte is none of the encoding, or a file is in a store.
    """
    return [_copy(file, encoding) for file in files] if encoding else files


def _copy(file: Source, encoding: str) -> Path:
    if isinstance(file, Stored):
        raise UserError(f"file '{file}' has encoding = '{encoding}'; accepted in a store: UTF-8, or a copy of the file")

    def write(copy: Path) -> None:
        try:
            text = io.TextIOWrapper(opened(file), encoding, newline="")
            with text, copy.open("w", encoding="utf-8", newline="") as out:
                shutil.copyfileobj(text, out, BLOCK)
        except UnicodeError as error:
            raise UserError(
                f"file '{file}' is not written in encoding = '{encoding}': {error}; accepted: its own"
            ) from error

    return rewritten(file, encoding, write)
