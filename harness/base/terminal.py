"""Lines for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text


class Output(Console):
    """The output of a command."""

    def on_broken_pipe(self) -> None:
        """Rich would end with the status of a run that failed.

        Raises:
            BrokenPipeError: whoever read the output has gone.
        """
        raise BrokenPipeError


def print_plain(console: Console, text: str, style: str | None = None) -> None:
    """Print a text as it is: nothing in it is markup, no number is coloured, and lines are as long as they are."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def explained(words: Iterable[tuple[str, str]]) -> Text:
    """What the columns of a table above tell: `ids: different values; rows: of each`."""
    text = Text(" ")
    for i, (column, told) in enumerate(words):
        text.append("; " if i else "", style="dim").append(column).append(f": {told}", style="dim")
    return text
