"""Which of the files that are meant hold anything, and in which format: none may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.base.errors import UserError
from harness.data.tabular.files import Source
from harness.data.tabular.formats import format_of
from harness.data.tabular.twice import refuse_twice


class OneTable(NamedTuple):
    """kind: Parquet, Arrow, JSON lines or CSV, as which all files are written. files: those that hold anything.

    notes: which are left out, in words.
    """

    kind: str
    files: Sequence[Source]
    notes: tuple[str, ...]


def one_table(files: Sequence[Source]) -> OneTable:
    """The files without those that hold nothing.

    Raises:
        UserError: one cannot be read, is nothing of the kind, is of another format than the first or has the rows of
            another; or all are empty.
    """
    kinds = {file: format_of(file) for file in files}
    empty, full = [file for file in files if not kinds[file]], [file for file in files if kinds[file]]
    if not full:
        raise UserError(f"file '{files[0]}' is empty; accepted: Parquet, Arrow, JSON lines, CSV")
    kind = kinds[full[0]]
    for file in full:
        if kinds[file] != kind:
            raise UserError(
                f"file '{file}' is {kinds[file]} and '{full[0]}' is {kind}; accepted: files of one format, as a "
                "pattern like 'logs/*.parquet' chooses"
            )
    refuse_twice(full, kind)
    return OneTable(kind, full, tuple(_said_of(empty)))


def _said_of(empty: Sequence[Source]) -> Iterator[str]:
    if empty:
        many = f"' and {len(empty) - 1:,} more are" if len(empty) > 1 else "' is"
        yield f"file '{empty[0]}{many} empty, and left out"
