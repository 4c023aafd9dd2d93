"""The command line as a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def multiepoch(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=300)
