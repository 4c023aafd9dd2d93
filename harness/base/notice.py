"""Notice to end, heeded where nothing is lost by it: signals that schedulers send before they kill, or a time."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.base.exits import Exit

TELLING = (signal.SIGTERM, signal.SIGUSR1)
"""The signals that give notice. SLURM sends the second where it is asked to, by --signal."""


class Stopped(SystemExit):
    """Somebody asked this process to end: with `Exit.AGAIN` after notice, else with 128 and the number."""

    def __init__(self, number: int) -> None:
        super().__init__(Exit.AGAIN if number in TELLING else 128 + number)
        self.number = number


class TimeIsUp(Exception):
    """The time that a user gave is over."""


class Notice:
    """Remembers the last signal that gave notice. until: when time is up, of `time.monotonic`."""

    number: int | None = None
    """Of that signal; None: none came."""

    def __init__(self, until: float = math.inf) -> None:
        self.until = until

    def given(self) -> bool:
        return self.number is not None or time.monotonic() > self.until

    @property
    def what(self) -> str:
        """That gave notice."""
        return "time is up" if self.number is None else signal.Signals(self.number).name

    @property
    def end(self) -> Stopped | TimeIsUp:
        """What a launch ends with that heeds it."""
        return TimeIsUp() if self.number is None else Stopped(self.number)

    def heed(self, *signals: signal.Signals) -> None:
        """From here on remember these signals, rather than end by them; to be called in the main thread."""
        for each in signals:
            signal.signal(each, self._hear)

    def _hear(self, number: int, frame: object) -> None:
        self.number = number


@contextmanager
def heeding(until: float = math.inf) -> Iterator[Notice]:
    """Inside, the first signal gives notice, and a second one does what it did before. until: as of `Notice`.

    In another thread than the main one, which gets no signals, none is heeded.
    """
    notice = Notice(until)
    if threading.current_thread() is not threading.main_thread():
        yield notice
        return
    before = {number: signal.getsignal(number) for number in TELLING}

    def hear(number: int, frame: object) -> None:
        notice.number = number
        give_back()

    def give_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in TELLING:
        signal.signal(number, hear)
    try:
        yield notice
    finally:
        give_back()
