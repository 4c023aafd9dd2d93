"""The command line, in this process or as one of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from perf.faults.command import multiepoch as multiepoch

PROGRAM = (sys.executable, "-m", "harness.cli")


def multiepoch_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own."""
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, cwd=cwd, check=False, timeout=300)
