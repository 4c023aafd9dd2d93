"""The same rows in two files, as a copy that a browser made, or one log packed and unpacked: they would count twice."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.encodings import BLOCK, opened
from harness.data.tabular.expressions import refusing
from harness.data.tabular.files import PARTITION, Source, content_of
from harness.data.tabular.formats import first_block, has_rows
from harness.data.tabular.stores import Stored

PACKED = (".gz", ".zst", ".zstd")
"""Ends of the names of compressed files."""
MD5 = re.compile(r'"?[0-9a-f]{32}(-\d+)?"?')
"""A mark in an object store that tells content; others tell when a file was written."""
Key = Callable[[Source], Hashable]


def refuse_twice(files: Sequence[Source], kind: str) -> None:
    """Refuse a file with the rows of another. Files whose Hive folders say something else have other rows.

    kind: their format, as `format_of` tells it.

    Raises:
        UserError: there is one, or a file cannot be read.
    """
    for one, other in (*_pairs(files, _size, content_of), *_pairs(files, _unpacked_name, _unpacked_content)):
        if _has_rows(one, kind):
            raise UserError(
                f"file '{other}' has the same content as '{one}': its rows would count twice, and be tested where they "
                "were trained on; accepted: one of the two, the other deleted or left out of path"
            )


def _pairs(files: Sequence[Source], key: Key, content: Key) -> Iterator[tuple[Source, Source]]:
    """Every file whose key and content an earlier one has, after that one. Where no other file has the key, the content
    is not asked for."""
    keys = {file: key(file) for file in files}
    times, seen = Counter(keys.values()), dict[Hashable, Source]()
    for file in (file for file in files if keys[file] is not None and times[keys[file]] > 1):
        with refusing(f"file '{file}' cannot be read"):
            one = seen.setdefault((keys[file], content(file)), file)
        if one is not file:
            yield one, file


def _size(file: Source) -> Hashable:
    """And what its folders say; None where nothing tells the content."""
    if isinstance(file, Stored):
        return (file.size, str(PARTITION.findall(file.address))) if MD5.fullmatch(file.mark) else None
    with refusing(f"file '{file}' cannot be read"):
        return file.stat().st_size, str(PARTITION.findall(str(file)))


def _unpacked_name(file: Source) -> Hashable:
    """None in a store, whose files are not read for this."""
    if isinstance(file, Stored):
        return None
    return file.with_suffix("") if file.suffix in PACKED else file


def _unpacked_content(file: Source) -> Hashable:
    assert isinstance(file, Path), "of this machine"
    return _digest(file, content_of(file))


@cache
def _digest(file: Path, content: str) -> str:
    """Of what it holds, decompressed."""
    digest = hashlib.blake2b()
    with opened(file) as plain:
        for block in iter(partial(plain.read, BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def _has_rows(file: Source, kind: str) -> bool:
    """A header alone is no row, and many files of one table may be that."""
    match kind:
        case "Parquet":
            frame = pl.scan_parquet(str(file), glob=False)
        case "Arrow":
            frame = pl.scan_ipc(str(file), glob=False)
        case _:
            return has_rows(first_block(file))
    return bool(frame.select(pl.len()).collect().item())
