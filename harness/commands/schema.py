"""The schema that a command goes by, where none was given: one that an earlier call left, or a first guess."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.base.terminal import print_plain
from harness.commands.data_init import guesses_table
from harness.data.guess.asked import Asked
from harness.diagnose.log import guessed


def schema_at(console: Console, kept: Path, source: str, asked: Asked) -> Path:
    """What stands there, as it may have been corrected; or a guess, which is printed and written there.

    Raises:
        UserError: the files cannot be read, or what is asked for is not there.
    """
    if kept.exists():
        print_plain(console, f"schema: {kept}, as it stands; without it, it is guessed anew")
        return kept
    with console.status("reading a sample"):
        rows, guesses = guessed(source, asked, kept)
    console.print(guesses_table(rows, guesses))
    print_plain(console, f"schema: {kept}; correct it and run this again if a guess is wrong")
    return kept
