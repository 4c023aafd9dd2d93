"""The schema that a command goes by, where none was given: one that an earlier call left, or a first guess."""

from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console

from harness.base.errors import UserError
from harness.base.terminal import print_plain
from harness.commands.data_init import guesses_table
from harness.data.guess.asked import Asked
from harness.data.tabular.schema import read_schema
from harness.diagnose.log import guessed


def schema_at(console: Console, given: Path | None, kept: Path, source: str, asked: Asked) -> Path:
    """The schema that is given; or what stands at `kept`, as it may have been corrected; or a guess, which is printed
    and written there.

    Raises:
        UserError: the files cannot be read, what is asked for is not there, or a schema has the time of another column
            than is asked for.
    """
    if given is not None:
        _ensure_time(given, asked.time, "without it, or the column in the schema")
        return given
    if kept.exists():
        _ensure_time(kept, asked.time, "the column in that file, or to delete the file, as it is then guessed anew")
        print_plain(console, f"schema: {kept}, as it stands; without it, it is guessed anew")
        return kept
    with console.status("reading a sample"):
        rows, guesses = guessed(source, asked, kept)
    console.print(guesses_table(rows, guesses))
    print_plain(console, f"schema: {kept}; correct it and run this again if a guess is wrong")
    return kept


def _ensure_time(schema: Path, asked: str | None, accepted: str) -> None:
    """Refuse a schema whose time is of other columns than the one asked for."""
    if asked is None:
        return
    time = read_schema(str(schema), ()).time
    if time is None or not _mentions(time, asked):
        has = "no time" if time is None else f"time = {time!r}"
        raise UserError(f"--time {asked}: schema '{schema}' goes before guesses, and has {has}; accepted: {accepted}")


def _mentions(expression: str, column: str) -> bool:
    """Whether an expression has the name of a column, or of a part of a nested one, quoted or not."""
    name = r'"?\."?'.join(map(re.escape, column.split(".")))
    return re.search(rf"(?<!\w){name}(?!\w)", expression) is not None
