"""What the checks of a plug-in are: by name, what raises where it does not do what it must."""

from __future__ import annotations

from collections.abc import Callable

Checks = dict[str, Callable[[], str | None]]


class Failed(Exception):
    """A plug-in does not do what it must."""
