"""Files and folders that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` at the end; after an error or a kill nothing of it is left.

    If another process was first, its folder stays. What killed processes left half built is deleted.
    """
    _sweep(folder.parent)
    partial = folder.parent / f".building-{os.getpid()}-{folder.name}"
    partial.mkdir(parents=True)
    try:
        yield partial
        try:
            partial.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for partial in parent.glob(".building-*"):
        try:
            os.kill(int(partial.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(partial, ignore_errors=True)
