"""What a node of a cluster needs of the machine that launches: data sets and plug-ins, each copied once if at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from harness.base.digests import MANIFEST, check_seal
from harness.base.errors import UserError
from harness.base.files import whole
from harness.data import indexed
from harness.data.build import data_folder
from harness.search.job import Job

CHUNK = 64 << 20
"""Bytes of a file that are read at a time."""
CACHE = "MULTIEPOCH_CACHE"
"""The environment variable of a node that names its folder for copies."""

Read = Callable[[Path, int], bytes]
"""A `CHUNK` of a file of the machine that launches, from an offset on; less at its end."""


def cache() -> Path:
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "multiepoch")


def manifest_of(results: Path, key: str) -> bytes:
    return (data_folder(results, key) / MANIFEST).read_bytes()


def ensure_seen(job: Job, results: Path, here: Path) -> None:
    """Refuse a run that reads or leaves a state where this node does not see the results folder of the launch.

    Raises:
        UserError: it is such a run.
    """
    train = job.spec.train
    if here != results and (train.keep or train.start):
        what = "train.keep" if train.keep else "train.start"
        host = socket.gethostname()
        raise UserError(f"{what}: node '{host}' does not see '{results}'; accepted: a folder that all nodes see")


def results_here(results: Path, key: str, manifest: bytes, read: Read) -> Path:
    """The results folder where this node finds a data set: the one of the launch if it sees it, or else its own cache,
    into which it copies the data set, under a lock, and compares it with its digests.

    Raises:
        UserError: what was copied is not what was once written.
    """
    shared = data_folder(results, key) / MANIFEST
    if shared.is_file() and shared.read_bytes() == manifest:
        return results
    folder = data_folder(cache(), key)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{key}.lock")):
        if folder.exists() and ((folder / MANIFEST).read_bytes() != manifest or indexed.damage(folder)):
            shutil.rmtree(folder)
        if not folder.exists():
            with whole(folder) as partial:
                _copy(data_folder(results, key), partial, manifest, read)
    return cache()


def _copy(source: Path, folder: Path, manifest: bytes, read: Read) -> None:
    (folder / MANIFEST).write_bytes(manifest)
    for name, about in json.loads(manifest).items():
        with (folder / name).open("wb") as file:
            while file.tell() < about["bytes"] and (chunk := read(source / name, file.tell())):
                file.write(chunk)
    try:
        check_seal(folder, contents=True)
    except ValueError as error:
        raise UserError(f"data set '{source}' did not reach this node whole: {error}") from error


def read_chunk(path: Path, offset: int) -> bytes:
    """A `Read` of this machine."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(CHUNK)


def sources(plugins: Path | None) -> dict[str, bytes]:
    """Every Python file of a folder of plug-ins, by its path there; empty: there is no folder."""
    if plugins is None:
        return {}
    files = [path for pattern in ("*.py", "*/*.py") for path in sorted(plugins.glob(pattern))]
    return {str(path.relative_to(plugins)): path.read_bytes() for path in files}


def plugins_here(files: Mapping[str, bytes]) -> Path | None:
    """A folder of this node that holds these plug-ins, and no others."""
    if not files:
        return None
    folder = cache() / "plugins" / hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:20]
    if not folder.exists():
        with whole(folder) as partial:
            for name, content in files.items():
                (partial / name).parent.mkdir(exist_ok=True)
                (partial / name).write_bytes(content)
    return folder
