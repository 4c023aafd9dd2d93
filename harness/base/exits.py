"""The exit statuses of `multiepoch`, which stay from one version to the next (docs/reliability.md)."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    """A run, a check or a verification failed, or what `--fail-on` names was found."""
    REFUSED = 2
    """Bad input, or a full disk."""
    CANNOT_TELL = 3
    """A verdict that answers nothing."""
    AGAIN = 75
    """Notice was given: EX_TEMPFAIL of <sysexits.h>, to be tried again."""
    HUNG_UP = 129
    """The terminal went: 128 and the number of SIGHUP."""
    INTERRUPTED = 130
    """Ctrl-C: 128 and the number of SIGINT."""
    UNREAD = 141
    """Whoever read the output has gone: 128 and the number of SIGPIPE."""
