"""Memory of this process, as the system counts it."""

from __future__ import annotations

import resource
from pathlib import Path


def memory_mb(name: str) -> float:
    """VmRSS (now) or VmHWM (the most so far) of this process alone: `getrusage` also counts the one that started it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
