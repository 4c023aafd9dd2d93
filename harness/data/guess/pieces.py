"""Pieces of text files: their beginning, and more from further on where that costs little."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

import pyarrow as pa

from harness.data.tabular.encodings import CUT, compression_of, likely
from harness.data.tabular.files import Source
from harness.data.tabular.stores import Stored, first_bytes

HEAD, PIECE = 1 << 20, 1 << 18
"""Bytes of text that are read at the beginning of a file, and at each place further on."""
PLACES = 4
"""In a file."""


def whole_lines(file: Source, quotes: bool) -> bytes:
    """Whole rows of a file: its beginning, and pieces from further on where no row spans lines."""
    begun = head(file)
    if len(begun) < HEAD:
        return begun
    lines = begun[: begun.rfind(b"\n") + 1].splitlines(keepends=True)
    if not (quotes and any(line.count(b'"') % 2 for line in lines)):
        return b"".join(lines) + _further(file)
    closed = [count % 2 == 0 for count in accumulate(line.count(b'"') for line in lines)]
    return b"".join(lines[: len(lines) - closed[::-1].index(True)]) if any(closed) else begun


def head(file: Source) -> bytes:
    """Its first bytes, decompressed."""
    raw = pa.py_buffer(first_bytes(file)) if isinstance(file, Stored) else str(file)
    with pa.input_stream(raw, compression=compression_of(file)) as text:
        return bytes(text.read(HEAD))


def encoding_of(texts: Iterable[bytes]) -> str:
    """In which encoding all of these are likely to be; empty: UTF-8, or it is not known."""
    found = set[str]()
    for text in texts:
        try:
            found |= {""} if not text.decode().isascii() else set()
        except UnicodeDecodeError as error:
            if error.reason != CUT:  # of the last letter alone
                found.add(likely(text))
    return found.pop() if len(found) == 1 else ""


def _further(file: Source) -> bytes:
    """Whole lines from further on; none of a store, nor of compressed files, which cannot be entered in the middle."""
    if isinstance(file, Stored) or compression_of(file):
        return b""
    with file.open("rb") as raw:
        size, pieces = file.stat().st_size, []
        for start in ((size - PIECE) * place // (PLACES - 1) for place in range(1, PLACES)):
            if start < HEAD:
                continue
            raw.seek(start)
            _, _, lines = raw.read(PIECE).partition(b"\n")
            pieces.append(lines if raw.tell() == size else lines[: lines.rfind(b"\n") + 1])
    return b"".join(pieces)
