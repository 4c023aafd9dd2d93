"""Files and folders that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.base.errors import UserError


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


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file with sorted keys, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def ensure_writable(folder: Path) -> None:
    """Make a results folder, or refuse it before any work.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"results folder '{folder}' cannot be written: {error.strerror}") from error


def _sweep(parent: Path) -> None:
    for partial in parent.glob(".building-*"):
        try:
            os.kill(int(partial.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(partial, ignore_errors=True)
