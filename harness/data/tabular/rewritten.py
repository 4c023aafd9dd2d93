"""Copies of files in the temporary folder, read in their place: in UTF-8, or without lines that are no rows."""

from __future__ import annotations

import re
import tempfile
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path


def rewritten(file: Path, how: str, write: Callable[[Path], None]) -> Path:
    """The copy of a file as it is now, which stays while this process does. how: what is other there, of letters that a
    path may have. write: writes the copy, where there is none yet.

    The path of a copy ends in that of its file, so that folders say the same.
    """
    file, status = file.resolve(), file.stat()
    state = (status.st_size, status.st_mtime_ns, status.st_ino)
    copy = Path(_folder().name, *map(str, state), how) / file.relative_to(file.anchor)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        write(partial := copy.with_name(uuid.uuid4().hex))
        partial.replace(copy)
    return copy


def as_given(text: str) -> str:
    """A message that names copies, with the files that they were made of."""
    if not _folder.cache_info().currsize:
        return text
    return re.sub(rf"{re.escape(_folder().name)}(?:/\d+){{3}}/[^/]+", "", text)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="multiepoch-")
