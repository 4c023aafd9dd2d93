"""Whether files are what was once written: their size and digest, kept beside them and compared when they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from harness.base.threads import mapped

MANIFEST = "manifest.json"


def digest_of(path: Path) -> str:
    """BLAKE2b of a file's content, 16 bytes as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def digest_of_content(content: bytes) -> str:
    """`digest_of` a file that holds this."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def digest_of_value(value: object) -> str:
    """BLAKE2b of what a value is written as, 8 bytes as hexadecimal digits."""
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()


def seal(folder: Path) -> None:
    """Write the size and digest of every file of a folder into its manifest."""
    files = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    sealed = {
        path.name: {"bytes": path.stat().st_size, "digest": digest}
        for path, digest in zip(files, _digests(files), strict=True)
    }
    (folder / MANIFEST).write_text(json.dumps(sealed, indent=1))


def check_seal(folder: Path, *, contents: bool) -> None:
    """Compare a folder with its manifest.

    contents: whether digests are compared too, which reads every file; else names and sizes alone.

    Raises:
        ValueError: a file is missing, new, or not what was written, or there is no manifest.
    """
    try:
        sealed = json.loads((folder / MANIFEST).read_text())
        expected = {name: (about["bytes"], about["digest"]) for name, about in sealed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its manifest cannot be read: {type(error).__name__}: {error}") from error
    found = {path.name: path for path in folder.iterdir() if path.name != MANIFEST}
    if odd := sorted(found.keys() ^ expected.keys()):
        raise ValueError(f"{odd[0]} is {'missing' if odd[0] in expected else 'not of it'}")
    for name, (size, _) in expected.items():
        if found[name].stat().st_size != size:
            raise ValueError(f"{name} has {found[name].stat().st_size} bytes instead of {size}")
    if contents:
        for name, digest in zip(expected, _digests([found[name] for name in expected]), strict=True):
            if digest != expected[name][1]:
                raise ValueError(f"{name} is not what was once written")


def _digests(files: Sequence[Path]) -> list[str]:
    """Of each file; several at a time, the largest first."""
    order = sorted(range(len(files)), key=lambda i: -files[i].stat().st_size)
    digests = dict(zip(order, mapped(lambda i: digest_of(files[i]), order), strict=True))
    return [digests[i] for i in range(len(files))]
