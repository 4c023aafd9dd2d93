"""How far a data set is that is being built, said every second."""

from __future__ import annotations

import time
from collections.abc import Callable

Say = Callable[[str], object]
"""Told what is being done, in a few words."""
EVERY = 1.0
"""Seconds."""


def silent(text: str) -> None:
    """Says nothing."""


class Meter:
    """Counts rows. total: of the whole data set, if known."""

    def __init__(self, name: str, total: int | None, say: Say) -> None:
        self._name, self._total, self._say = name, total, say
        self._rows, self._begun = 0, time.monotonic()
        self._told = self._begun

    def add(self, rows: int) -> None:
        self._rows += rows
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            self._say(self.text(now - self._begun))

    def text(self, seconds: float) -> str:
        """After so many seconds."""
        of = "" if self._total is None else f" of {self._total:,}"
        return f"data set '{self._name}': {self._rows:,}{of} rows, {self._rows / seconds:,.0f} a second"
