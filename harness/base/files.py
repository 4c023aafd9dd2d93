"""Files and folders that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.base.errors import UserError

BUILDING = ".building-"
"""Begins the names of what is half built."""


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` at the end; after an error or a kill nothing of it is left.

    If another process was first, its folder stays. What killed processes left half built is deleted.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    partial = folder.parent / f"{BUILDING}{socket.gethostname()}-{uuid.uuid4().hex}"
    with _owned(partial.with_name(partial.name + ".lock")):
        partial.mkdir()
        try:
            yield partial
            _sync(partial)
            try:
                partial.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of `path` at the end; after an error `path` is as it was.

    Several processes may do so at a time; the last one's stays.
    """
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def on_disk(path: Path) -> None:
    """Wait until a file or folder would outlive the machine's death."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file with sorted keys, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def odd_kind(path: Path) -> str:
    """What a path is that is no file; empty if nothing is there."""
    if path.is_dir():
        return "a folder"
    if path.exists():
        return "no regular file"
    return "a link that leads nowhere" if path.is_symlink() else ""


def ensure_writable(folder: Path) -> None:
    """Make a results folder, or refuse it before any work.

    Raises:
        UserError: it cannot be made or written.
    """
    with writing(f"results folder '{folder}'"):
        folder.mkdir(parents=True, exist_ok=True)
        # no process's number: other hosts that share the folder may have one of the same
        probe = folder / f".writable-{uuid.uuid4().hex}"
        probe.touch()
        probe.unlink(missing_ok=True)


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turn an error of writing into one line. what: begins it."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{what} cannot be written: {error.strerror}") from error


@contextmanager
def _owned(lock: Path) -> Iterator[None]:
    """Hold a lock, which the system takes back however this process ends, wherever it runs."""
    with FileLock(lock):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _sweep(parent: Path) -> None:
    """Delete what nobody is building any more: an owner, on this host or another, still holds its lock."""
    for lock in parent.glob(f"{BUILDING}*.lock"):
        with suppress(OSError, Timeout), FileLock(lock, blocking=False):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have everything of a folder on the disk before its name says that it is whole."""
    for path in (*folder.rglob("*"), folder):
        on_disk(path)
