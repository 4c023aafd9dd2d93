"""From what a path says to the files it means: one file, a list, a folder or a pattern, here or in an object store."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from harness.base.errors import UserError, nearest
from harness.base.files import odd_kind
from harness.base.places import ROOT
from harness.data.tabular.expressions import refusing
from harness.data.tabular.logged import names_here, refuse_logged
from harness.data.tabular.stores import Stored, is_address, stored_files

Source = Path | Stored

MOST = 500
"""Letters of a path that are quoted."""
BARE = re.compile(r"\w+")
PATTERN = re.compile(r"[*?\[]")
PARTITION = re.compile(r"([^/=]+)=([^/]*)/")
"""A folder of Hive's, `day=2024-05-01/`, which is a column of the files in it."""


def one_file(text: str, what: str, shipped: Path | None = None) -> Path:
    """The file that a text names, in the current folder or the repository; environment variables are expanded.

    shipped: a folder of TOML files that come with the harness, which are found by their bare names too.

    Raises:
        UserError: there is none. what: begins the message.
    """
    tried = _places(text)
    if shipped is not None and BARE.fullmatch(text):
        tried.append(shipped / f"{text}.toml")
    with _found(f"{what} = '{text[:MOST]}'"):
        for path in tried:
            if path.is_file():
                return path
        kind = next(filter(None, map(odd_kind, tried)), "")
    problem = f"this is {kind}; a file is needed" if kind else f"the file {_missing(text, tried)}"
    raise UserError(f"{what} = '{text}': {problem}")


def data_files(path: str | Sequence[str]) -> tuple[Source, ...]:
    """Every file that is meant, in order: of a folder or pattern by name; hidden ones and those of `_name` left out.

    Raises:
        UserError: there is none, or a folder or pattern means files of a table whose log says which of them count.
    """
    texts = [path] if isinstance(path, str) else list(path)
    if not any(texts):
        raise UserError(
            "table_file: path = '' is not given, nor in the schema; accepted: a file, a folder, a pattern as "
            "'logs/*.parquet', or a list of these"
        )
    found = list[Source]()
    for text in texts:
        with _found(place := f"table_file: path = '{text[:MOST]}'"):
            found += _files(text, place)
    if twice := [file for file in dict.fromkeys(found) if found.count(file) > 1]:
        raise UserError(f"table_file: path names the file '{twice[0]}' twice")
    return tuple(found)


def digest_of(files: Iterable[Source]) -> str:
    """Of the content of all files, in order, and of the columns that their folders' names give.

    A file of an object store is known by its size and ETag, as reading all of it twice may take hours.

    Raises:
        UserError: one cannot be read.
    """
    parts = []
    for file in files:
        with refusing(f"file '{file}' cannot be read"):
            parts.append((content_of(file), PARTITION.findall(str(file))))
    if len(parts) == 1 and not parts[0][1]:
        return parts[0][0]
    told = (parts, "typed") if any(folders for _, folders in parts) else parts
    return hashlib.blake2b(repr(told).encode()).hexdigest()[:32]


def content_of(file: Source) -> str:
    """What changes with the content of a file.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(file, Stored):
        return f"{file.size} {file.mark}"
    status = file.stat()
    return _digest(file.resolve(), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _files(text: str, place: str) -> Sequence[Source]:
    if is_address(address := os.path.expandvars(text)):
        return stored_files(address)
    tried = _places(text)
    for path in tried:
        if path.is_dir():
            if found := _listed(_below(path), path, place):
                return found
            raise UserError(f"{place}: the folder holds no file")
    if PATTERN.search(text) and not tried[0].exists():
        for path in tried:
            root = Path(path.anchor)
            pattern = path.relative_to(root) / ("*" if path.name == "**" else "")
            try:
                _open_folders(root, pattern.parts)
                found = _listed(root.glob(str(pattern)), root, place)
            except ValueError as error:
                raise UserError(f"{place} is no pattern: {error}") from error
            if found:
                return found
        raise UserError(f"{place}: no file is named so")
    return [one_file(text, "table_file: path")]


def _open_folders(root: Path, pattern: Sequence[str]) -> None:
    """Open every folder in which a pattern is sought, as `glob` leaves out in silence those that it may not read.

    Raises:
        OSError: a folder cannot be read, whose rows would be missing.
    """
    first = next((at for at, part in enumerate(pattern) if PATTERN.search(part)), len(pattern))
    for parts in (pattern[:end] for end in range(first, len(pattern))):
        for folder in root.glob("/".join(parts)) if parts else [root]:
            if folder.is_dir() and not _is_hidden(folder, root):
                os.scandir(folder).close()


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part[0] in "._" for part in path.relative_to(root).parts if part != "..")


def _listed(found: Iterable[Path], root: Path, place: str) -> list[Path]:
    """The files among what was found, in order. place: begins the message."""
    seen = [path for path in found if not _is_hidden(path, root)]
    for path in seen:
        if path.is_symlink() and not path.exists():
            raise UserError(f"file '{path}' is a link that leads nowhere; its rows would be missing; accepted: files")
    files = sorted(path for path in seen if path.is_file())
    refuse_logged((folder.resolve() for folder in {path.parent for path in files}), names_here, "", place)
    return files


def _below(folder: Path) -> Iterator[Path]:
    """All files, but for those in hidden folders.

    Raises:
        OSError: a folder cannot be read, whose rows would be missing.
    """

    def refuse(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if name[0] not in "._"]
        yield from (Path(root, name) for name in names)


@contextmanager
def _found(place: str) -> Iterator[None]:
    """Turn an error of looking for files into one line."""
    try:
        yield
    except OSError as error:
        at = f" at '{error.filename}'" if error.filename and len(str(error.filename)) < MOST else ""
        raise UserError(f"{place} cannot be read{at}: {error.strerror}; accepted: a file or folder") from error


def _places(text: str) -> list[Path]:
    expanded = os.path.expanduser(os.path.expandvars(text))
    return [Path(expanded), ROOT / expanded]


def _missing(text: str, tried: list[Path]) -> str:
    """Why there is no such file."""
    for name in re.findall(r"\$\{?(\w+)", str(tried[0])):
        return f"does not exist: ${name} is not set; {nearest(name, os.environ)}it must name a file"
    meant = next(([path] for path in tried if path.parent.is_dir()), []) + tried[2:]
    siblings = (file.name for path in meant for file in path.parent.iterdir())
    return f"does not exist; {nearest(tried[0].name, siblings)}a file is needed"


@cache
def _digest(path: Path, *state: int) -> str:
    """Of a file's content; read once per process while its state stays the same: a file as large and as old as the one
    that it takes the place of is another."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
