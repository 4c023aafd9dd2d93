"""Who runs this process, and where."""

from __future__ import annotations

import getpass
import os
import platform

PRIVATE = ("host", "owner")
"""What an environment says of it, which is not published."""


def owner() -> str:
    """The name of the user, or the number of one that has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def host() -> str:
    return platform.node()
