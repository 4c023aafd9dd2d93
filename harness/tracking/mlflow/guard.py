"""Keeps MLflow's failures away from the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.base.addresses import error_line

PAUSE = 60.0
"""Seconds without new runs after a call failed, so that a dead server does not hold up every run."""


class Guard:
    """Turns failures of calls to MLflow into one warning.

    uri: of the MLflow.
    warn: called with the first problem.
    abandon: called with the key of a run that a failure hit; nothing more of it is to be written.
    """

    problem: str | None
    """What went wrong first since `forget`."""

    def __init__(self, uri: str, warn: Callable[[str], None], abandon: Callable[[str], None]) -> None:
        self.problem = None
        self._uri, self._warn, self._abandon = uri, warn, abandon
        self._quiet_until, self._warned = 0.0, False

    @property
    def pausing(self) -> bool:
        """Whether a call failed a short while ago."""
        return time.monotonic() < self._quiet_until

    def forget(self) -> None:
        """Try again at once, whatever failed."""
        self.problem, self._quiet_until = None, 0.0

    @contextmanager
    def __call__(self, key: str = "") -> Iterator[None]:
        """Around calls. key: of the run that they write."""
        try:
            yield
        except Exception as error:
            self._abandon(key)
            self._quiet_until = time.monotonic() + PAUSE
            if self.problem is None:
                self.problem = f"MLflow at '{self._uri}' failed: {error_line(error)}"
            if not self._warned:
                self._warned = True
                self._warn(f"{self.problem}; going on without it, `multiepoch sync` completes it later")
