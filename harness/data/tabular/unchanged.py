"""Files that grow or are replaced while they are read are noticed: their rows would be of several contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from harness.base.errors import UserError
from harness.data.tabular.files import Source, content_of
from harness.data.tabular.stores import Stored, as_it_is_now

State = tuple[int, str]
"""Size, and what changes with all else."""
States = Mapping[Source, State]


def states(files: Sequence[Source]) -> States:
    """How files are, those of a store as they were listed.

    Raises:
        UserError: one is not there.
    """
    return {file: (file.size, file.mark) if isinstance(file, Stored) else _state(file) for file in files}


def refuse_changes(before: States) -> None:
    """Raises: UserError: a file is not as it was."""
    with ThreadPoolExecutor() as pool:
        now = pool.map(_state, before)
    for (file, was), state in zip(before.items(), now, strict=True):
        if state != was:
            grown = "" if state[0] == was[0] else f", from {was[0]:,} bytes to {state[0]:,}"
            raise UserError(
                f"file '{file}' changed while it was read{grown}; nothing of it is used; accepted: a file to which "
                "nobody writes meanwhile"
            )


@contextmanager
def blaming_changes(before: States) -> Iterator[None]:
    """Whatever goes wrong within, that a file changed goes before it."""
    try:
        yield
    except Exception:
        refuse_changes(before)
        raise


def _state(file: Source) -> State:
    """Of a file on a disk: time of change and content, which is read again where anything of the file has changed."""
    if isinstance(file, Stored):
        now = as_it_is_now(file)
        return now.size, now.mark
    try:
        status = file.stat()
        return status.st_size, f"{status.st_mtime_ns} {content_of(file)}"
    except OSError as error:
        raise UserError(f"file '{file}' cannot be read any more: {error.strerror}") from error
