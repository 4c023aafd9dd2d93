"""Signs of life, for those who cannot ask the system whether a process on another machine still runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

BEAT, STALE = 15.0, 60.0
"""Seconds between two signs, and without one after which a process counts as ended."""


@contextmanager
def beating(sign: Callable[[], object], every: float = BEAT) -> Iterator[None]:
    """Inside, a thread gives a sign every so many seconds; one that fails is tried again the next time."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            with suppress(Exception):
                sign()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
