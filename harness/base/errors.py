"""Errors that a user can act on: one line with the value, its place, what is accepted, and the nearest name."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path

MOST = 1000
"""Letters of a message; of a longer one the middle is left out."""


class UserError(Exception):
    """Bad input: one line that quotes the value, its place and what is accepted (exit status 2)."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback."""
        return [f"{type(self).__name__}: {one_line(str(self))}"]


def unknown(what: str, name: str, accepted: Iterable[str], where: str = "") -> UserError:
    """The error for a name that does not exist, with its nearest accepted neighbour."""
    options = sorted(accepted)
    place, known = f"{where}: " if where else "", ", ".join(options) or "nothing"
    return UserError(f"{place}unknown {what} '{name}'; {nearest(name, options)}accepted: {known}")


def nearest(name: str, options: Iterable[str]) -> str:
    """A question that names the nearest option, or nothing."""
    near = difflib.get_close_matches(str(name), list(options), n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'? " if near else ""


def one_line(text: str) -> str:
    """A message fit for a terminal: line ends and control characters are written out, and it is not too long."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text.strip())
    return shown if len(shown) <= MOST else f"{shown[: MOST * 2 // 3]} ... {shown[-MOST // 3 :]}"


def described(error: BaseException) -> str:
    """What went wrong in code that may be a plug-in's, on one line: the kind of error, its place and what it says."""
    text = " ".join(str(error).split())
    if isinstance(error, UserError):
        return text
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {text}"
