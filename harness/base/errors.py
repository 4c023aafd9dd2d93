"""Errors that a user can act on: one line with the value, its place, what is accepted, and the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input: one line that quotes the value, its place and what is accepted (exit status 2)."""


def unknown(what: str, name: str, accepted: Iterable[str], where: str = "") -> UserError:
    """The error for a name that does not exist, with its nearest accepted neighbour."""
    options = sorted(accepted)
    place, known = f"{where}: " if where else "", ", ".join(options) or "nothing"
    return UserError(f"{place}unknown {what} '{name}'; {nearest(name, options)}accepted: {known}")


def nearest(name: str, options: Iterable[str]) -> str:
    """A question that names the nearest option, or nothing."""
    near = difflib.get_close_matches(name, list(options), n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'? " if near else ""
