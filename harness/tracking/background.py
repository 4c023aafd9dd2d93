"""A tracker that works beside the launch, so that a slow or silent service holds up no run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

from harness.base.errors import UserError
from harness.tracking.tracker import NoTracker, Tracker

Call = Callable[[Tracker], None]
OPENING = 10.0
"""Seconds in which a service that cannot be used ends the launch; after them that goes on without it."""
PROMPT = 2.0
"""Seconds that a call may take without counting as slow; opening may take those above."""
SHARE, LEAST = 0.05, 5.0
"""How long a launch waits for slow answers in all: this share of its time, or these seconds if that is more."""
TOO_SLOW = "tracking is behind, as its service answers slowly or not at all, and `multiepoch sync` completes it later"


class Background:
    """Opens a tracker in a thread of its own, and tells it there, in order, what it is to show.

    open_tracker: gives the tracker; called once there is something to tell, so that runs train meanwhile. warn: called
    with a line if it is not waited for any longer, or cannot be used and says so late.
    """

    def __init__(self, open_tracker: Callable[[], Tracker], warn: Callable[[str], None]) -> None:
        self._warn, self._begun, self._slow = warn, time.monotonic(), 0.0
        self._calls: SimpleQueue[Call] = SimpleQueue()
        self._left, self._changed = 0, threading.Condition()
        self._tracker: Tracker | None = None
        self._error: Exception | None = None
        self._left_behind = False
        self._since = self._begun
        self._thread = threading.Thread(target=self._work, args=(open_tracker,), name="tracking", daemon=True)

    @property
    def is_on(self) -> bool:
        """Whether anything is shown."""
        return not isinstance(self._tracker, NoTracker)

    def tell(self, call: Call) -> None:
        """Have the tracker do something, after all that it was told before.

        Raises:
            UserError: it cannot be used, and said so soon.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            if self._left_behind:
                return
            self._left += 1
        self._calls.put(call)
        if self._thread.ident is None:
            self._begun = self._since = time.monotonic()
            self._thread.start()

    def attach(self, files: Sequence[Path]) -> None:
        """Have the tracker show the files of the plan's report, and wait for it."""
        self.tell(lambda tracker: tracker.attach(files))
        self.settled()

    def pages(self) -> list[str]:
        """Lines that tell a person where to look."""
        return [] if self._tracker is None or self._left_behind else self._tracker.pages()

    def page(self, key: str) -> str | None:
        """The address that shows a run; None if there is none."""
        return None if self._tracker is None else self._tracker.page(key)

    def settled(self) -> bool:
        """Wait until the tracker has done all it was told. False: it is left behind, and is told nothing any more."""
        with self._changed:
            while self._left and not self._left_behind:
                before = time.monotonic()
                self._changed.wait(0.1)
                now = time.monotonic()
                prompt = OPENING if self._tracker is None else PROMPT
                self._slow += now - before if now - self._since > prompt else 0.0
                if self._slow > max(LEAST, SHARE * (now - self._begun)):
                    self._leave(TOO_SLOW)
        if self._error is not None:
            raise self._error
        return not self._left_behind

    def _leave(self, why: str) -> None:
        """Tell the tracker nothing more; one line says so, unless the tracker said what is wrong itself."""
        self._left_behind = True
        if self._tracker is None or self._tracker.problem is None:
            self._warn(f"{why}; this launch goes on without it")

    def _work(self, open_tracker: Callable[[], Tracker]) -> None:
        try:
            self._tracker = open_tracker()
            while True:
                call = self._calls.get()
                self._since = time.monotonic()
                call(self._tracker)
                with self._changed:
                    self._left -= 1
                    self._changed.notify()
        except Exception as error:
            with self._changed:
                if isinstance(error, UserError) and time.monotonic() - self._begun > OPENING:
                    self._leave(str(error))
                else:
                    self._error = error
                self._left = 0
                self._changed.notify()
