"""The machine and the versions that compute a run."""

from __future__ import annotations

import platform
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import psutil

from harness import ENGINE, __version__
from harness.base.products import torch_version


@lru_cache(maxsize=1)
def environment() -> dict[str, str | int]:
    """Machine and versions."""
    return {
        "multiepoch": __version__,
        "engine": ENGINE,
        "python": sys.version.split()[0],
        "torch": torch_version(),
        "numpy": np.__version__,
        "machine": f"{_cpu()} ({platform.system()} {platform.machine()})",
        "cores": psutil.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"
