"""The process that workers are forked from, on Linux: it imports what training needs, once, and they start at once.

Elsewhere, where libraries do not survive a fork, every worker imports it all; so it does where the folder of temporary
files has too long a name for the socket by which the server is reached.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from types import ModuleType

from harness.base.notice import TELLING
from harness.base.places import module_paths

MOST_LETTERS = 70
"""Bytes of the folder of temporary files; of the 107 that the name of a socket may have, Python takes the rest."""
TRAINING = "harness.execution.run_job"
"""Imports all that training needs."""


def forked() -> bool:
    """Whether workers are forked from a server here."""
    return sys.platform == "linux" and len(os.fsencode(tempfile.gettempdir())) <= MOST_LETTERS


def warm_up() -> None:
    """Let the server import what training needs, beside whatever this process does until it has a job."""
    if forked():
        forkserver.set_forkserver_preload([TRAINING])
        with _deaf():
            resource_tracker.ensure_running()
        with _deaf(), _finding_modules():
            forkserver.ensure_running()


@contextmanager
def without_main() -> Iterator[None]:
    """A process that starts inside does not import the script that this one runs, which may be what starts it."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _deaf() -> Iterator[None]:
    """A process that starts inside hears neither Ctrl-C nor notice to end, which may come to all of a command."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *TELLING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _finding_modules() -> Iterator[None]:
    """A process that starts inside finds modules where this one does, the current folder not among them."""
    paths = module_paths()
    before = {name: os.environ.get(name) for name in paths}
    os.environ.update(paths)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
