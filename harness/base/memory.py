"""How much memory is free, to this process and those beside it, and the refusal of what does not fit in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from harness.base.errors import UserError

MIB, GIB = 2**20, 2**30
UNIFIED = ("memory.max", "memory.current", "")
LEGACY = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
"""Of a control group of Linux, version 2 and 1: files of its limit and its use, and what names in memory.stat begin
with."""


def ensure_free(needed: int, what: str, accepted: str, free: int) -> None:
    """Refuse what needs more memory than is free.

    Raises:
        UserError: it does.
    """
    if needed > free:
        raise UserError(f"{what} takes at least {sized(needed)} of memory; {sized(free)} is free; accepted: {accepted}")


def sized(count: int) -> str:
    """Bytes, as text."""
    return f"{count / GIB:,.1f} GiB" if count >= GIB else f"{count / MIB:,.1f} MiB"


def free_memory(root: Path = Path("/")) -> int:
    """Bytes: what the machine has available, or less where a control group, as of a container, leaves less.

    What a group holds of files counts as free, since the kernel takes it back. root: of the file system.
    """
    return max(0, min([int(psutil.virtual_memory().available), *_rooms(root)]))


def _rooms(root: Path) -> Iterator[int]:
    """What every control group that this process is in leaves."""
    for base, path, names in _groups(root):
        for folder in (base / path, *(base / path).parents):
            if folder.is_relative_to(base) and (room := _room(folder, *names)) is not None:
                yield room


def _groups(root: Path) -> Iterator[tuple[Path, str, tuple[str, str, str]]]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if not kinds:
            yield root / "sys/fs/cgroup", path.lstrip("/"), UNIFIED
        elif "memory" in kinds.split(","):
            yield root / "sys/fs/cgroup/memory", path.lstrip("/"), LEGACY


def _room(folder: Path, limit: str, use: str, prefix: str) -> int | None:
    """Limit less use; None where there is no limit, or no such group in this name space."""
    try:
        found = (folder / limit).read_text().strip()
        if found == "max":
            return None
        lines = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        stat = {name: int(value) for name, value in lines}
        files = sum(stat.get(f"{prefix}{kind}_file", 0) for kind in ("active", "inactive"))
        return int(found) - int((folder / use).read_text()) + files
    except (OSError, ValueError):
        return None
