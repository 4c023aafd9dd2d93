"""Several commands at a time, each in a process of its own that does not import everything anew."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unittest import mock

from harness.execution.fork_server import warm_up
from harness.execution.run_job import JobRunner
from support.command_line import multiepoch
from support.plans import Inline


def at_once(commands: Sequence[Sequence[str]], cwd: Path) -> list[tuple[int, str, str]]:
    """Exit status, output and errors of every command; each trains in its own process."""
    warm_up()
    with ProcessPoolExecutor(len(commands), multiprocessing.get_context("forkserver")) as pool:
        return list(pool.map(_command, commands, [cwd] * len(commands)))


def _command(arguments: Sequence[str], cwd: Path) -> tuple[int, str, str]:
    with mock.patch("harness.execution.launchers.choice.LocalPool", _inline):
        ended = multiepoch(*arguments, cwd=cwd)
    return ended.returncode, ended.stdout, ended.stderr


def _inline(workers: int, plugins: Path | None, results: Path) -> Inline:
    return Inline(JobRunner(results, plugins))
