"""What exit statuses tell, as the help of a command ends with them."""

from __future__ import annotations

from collections.abc import Mapping

from harness.base.exits import Exit

OF_ALL = {
    Exit.DONE: "done",
    Exit.REFUSED: "bad input, or a full disk",
    Exit.AGAIN: "stopped by SIGTERM or SIGUSR1: run it again",
    Exit.HUNG_UP: "stopped, as the terminal went",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
    Exit.UNREAD: "stopped, as its output was closed",
}
"""What they tell of any command."""
RUN_FAILED = {Exit.FAILED: "a run failed"}
CHECKPOINTS = {Exit.AGAIN: f"{OF_ALL[Exit.AGAIN]}, it goes on from a checkpoint"}


def statuses(own: Mapping[Exit, str]) -> str:
    """A line for each. own: those of one command alone, and those of which it has more to tell."""
    told = {**OF_ALL, **own}
    return "Exit status:\n" + ";\n".join(f"{status:d}: {told[status]}" for status in sorted(told)) + "."
