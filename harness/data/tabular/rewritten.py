"""Copies of files in the temporary folder, read in their place: in UTF-8, or without lines that are no rows."""

from __future__ import annotations

import errno
import re
import shutil
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path

from harness.base.errors import UserError
from harness.base.scratch import Scratch


def rewritten(file: Path, how: str, write: Callable[[Path], None]) -> Path:
    """The copy of a file as it is now, which stays while this process does. how: what is other there, of letters that a
    path may have. write: writes the copy, where there is none yet.

    The path of a copy ends in that of its file, so that folders say the same.

    Raises:
        UserError: there is no room for it.
    """
    file, status = file.resolve(), file.stat()
    state = (status.st_size, status.st_mtime_ns, status.st_ino)
    copy = Path(_folder().name, *map(str, state), how) / file.relative_to(file.anchor)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(uuid.uuid4().hex)
        try:
            _ensure_room(copy.parent, status.st_size // 2)
            write(partial)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno is None:
                raise  # a damaged file that is read
            raise UserError(
                f"file '{file}' cannot be copied into the temporary folder: {error.strerror}; accepted: TMPDIR on a "
                "disk with room, or a file that needs no copy"
            ) from error
        partial.replace(copy)
    return copy


def _ensure_room(folder: Path, least: int) -> None:
    """Raise the error of a full disk before anything is written. least: bytes; in UTF-16 text is twice as long."""
    if shutil.disk_usage(folder).free < least:
        raise OSError(errno.ENOSPC, f"{least / 2**30:,.1f} GiB or more are needed, and fewer are free")


def as_given(text: str) -> str:
    """A message that names copies, with the files that they were made of."""
    if not _folder.cache_info().currsize:
        return text
    return re.sub(rf"{re.escape(_folder().name)}(?:/\d+){{3}}/[^/]+", "", text)


@cache
def _folder() -> Scratch:
    return Scratch()
