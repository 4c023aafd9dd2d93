"""The command line, in this process or as one of its own."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from unittest import mock

from harness.cli import main

PROGRAM = (sys.executable, "-m", "harness.cli")


def multiepoch(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command in this process, which has imported what takes a new one seconds."""
    status, out, err = 0, io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["multiepoch", *arguments]),
    ):
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def multiepoch_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own."""
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, cwd=cwd, check=False, timeout=300)
