"""What a command is about: a status line on a terminal, and a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape

from harness.base.terminal import print_plain

SELDOM = 30.0
"""Seconds between two lines where there is no terminal."""


class Said:
    """A context manager, inside which the status is shown; called with what is being done now."""

    def __init__(self, console: Console, text: str) -> None:
        self._console, self._status = console, console.status(text)
        self._told = time.monotonic()

    def __enter__(self) -> Said:
        self._status.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._status.stop()

    def __call__(self, text: str) -> None:
        if self._console.is_terminal:
            self._status.update(escape(text))
        elif time.monotonic() - self._told >= SELDOM:
            self._told = time.monotonic()
            print_plain(self._console, text)
