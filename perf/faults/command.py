"""The command line in this process, which has imported what takes a new one seconds."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from unittest import mock

from harness.cli import main


def multiepoch(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command: its exit status and what it printed."""
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
