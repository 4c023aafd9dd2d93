"""A network of its own for a command, as Ray listens on every address that it finds."""

from __future__ import annotations

import os
import shlex
import subprocess

MAY = ("--user", "--map-current-user", "--keep-caps")
"""What lets a user who is not root have one."""
OWN = ("--net", "--pid", "--fork", "--kill-child", "--mount-proc")


def alone(*command: str) -> list[str]:
    """A command that sees no network but its own, in which it reaches itself alone; what it starts ends with it."""
    own = [*(() if os.geteuid() == 0 else MAY), *OWN]
    return ["unshare", *own, "sh", "-c", f"ip link set lo up && exec {shlex.join(command)}"]


def missing() -> str:
    """Why there can be none; empty: there can."""
    try:
        refused = subprocess.run(alone("true"), capture_output=True).returncode != 0
    except FileNotFoundError:
        refused = True
    return "this machine gives no process a network of its own (unshare, ip)" if refused else ""
