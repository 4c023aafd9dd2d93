"""Files of object stores: found by an address or a pattern of addresses, as s3://bucket/logs/*.parquet.

Listed by obstore, a binding to the library by which Polars reads them, so that both find their credentials, region and
endpoint in the same environment variables.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from harness.base.addresses import without_secrets
from harness.base.errors import UserError
from harness.base.extras import installing
from harness.data.tabular.logged import refuse_logged

if TYPE_CHECKING:
    from obstore.store import ObjectStore

ADDRESS = re.compile(r"((?:s3a?|gs|az|azure|adl|abfss?)://[^/]+)/?(.*)")
"""Of an object store: its root, and the rest."""
PATTERN = re.compile(r"[*?\[]")
BLOCK = 1 << 20
"""Bytes from which a file's format is told."""
PATIENCE = timedelta(seconds=10)
"""How long a store may take to answer a question."""
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true for a public bucket",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_SKIP_SIGNATURE=true for a public bucket",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
METADATA = ("169.254.169.254", "metadata.google", "metadata server")
"""Where credentials are sought last, when no variable has any."""


@dataclass(frozen=True)
class Stored:
    """A file of an object store."""

    address: str
    size: int
    mark: str
    """What changes with its content: its ETag, or where the store gives none, when it was written."""

    def __str__(self) -> str:
        return self.address


def is_address(text: str) -> bool:
    return ADDRESS.match(text) is not None


def stored_files(text: str) -> list[Stored]:
    """The files of an address, by name: one, all below a folder, or those of a pattern, in which * stays within a name.

    Hidden ones and those of `_name` are left out.

    Raises:
        UserError: there is none, they are of a table whose log says which of them count, or the store cannot be asked.
    """
    if re.match(r"\w+://[^/@]*:[^/@]*@", text):
        raise UserError(
            f"table_file: path = '{without_secrets(text)}' has a password in it; accepted: one in {_usual(text)}"
        )
    root, path = _parted(text)
    with _asking(text):
        found = _listed(_store(root), path, root, f"table_file: path = '{text}'")
    if not found:
        raise UserError(f"table_file: path = '{text}': the store has no file of this name, nor below it")
    return [
        Stored(f"{root}/{key}", size, mark) for key, size, mark in sorted(found, key=lambda each: each[0].split("/"))
    ]


def first_bytes(file: Stored) -> bytes:
    """What its content begins with.

    Raises:
        UserError: the store cannot be asked.
    """
    import obstore

    root, key = _parted(file.address)
    with _asking(file.address):
        return bytes(obstore.get_range(_store(root), key, start=0, end=min(file.size, BLOCK))) if file.size else b""


def as_it_is_now(file: Stored) -> Stored:
    """The file of this address.

    Raises:
        UserError: there is none any more, or the store cannot be asked.
    """
    import obstore

    root, key = _parted(file.address)
    with _asking(file.address):
        about = obstore.head(_store(root), key)
    return Stored(file.address, about["size"], _mark(about))


def _listed(store: ObjectStore, path: str, root: str, place: str) -> list[tuple[str, int, str]]:
    """Key, size and mark of the files that a path means. root: its address. place: begins messages."""
    import obstore

    wild = PATTERN.search(path)
    folder = path[: wild.start()].rpartition("/")[0] if wild else path.rstrip("/")
    found: list[Any] = []
    if wild is None and path == folder and path:
        with suppress(FileNotFoundError):
            return [_told(obstore.head(store, path))]
    every = [about for chunk in obstore.list(store, folder or None) for about in chunk]
    found = [about for about in every if _shown(about["path"][len(folder) :])]
    if wild is not None:
        found = [about for about in found if _at(about).match(f"/{path}")]
    names_in = _names_in(store, PurePosixPath("/", folder), map(_at, every))
    refuse_logged({_at(about).parent for about in found}, names_in, root, place)
    return list(map(_told, found))


def _names_in(
    store: ObjectStore, top: PurePosixPath, below: Iterable[PurePosixPath]
) -> Callable[[PurePosixPath], Collection[str]]:
    """What tells the names of the files in a folder. below: all files below `top`; of others the store is asked."""
    import obstore

    known = defaultdict[PurePosixPath, list[str]](list)
    for file in below:
        known[file.parent].append(file.name)

    def names_in(folder: PurePosixPath) -> Collection[str]:
        if folder.is_relative_to(top):
            return known.get(folder, ())
        return [_at(about).name for about in obstore.list_with_delimiter(store, str(folder)[1:])["objects"]]

    return names_in


def _at(about: Any) -> PurePosixPath:
    return PurePosixPath("/", about["path"])


def _told(about: Any) -> tuple[str, int, str]:
    return about["path"], about["size"], _mark(about)


def _mark(about: Any) -> str:
    return str(about["e_tag"] or about["last_modified"].isoformat())


def _shown(name: str) -> bool:
    return not any(part[:1] in (".", "_") for part in name.strip("/").split("/"))


def _parted(text: str) -> tuple[str, str]:
    found = ADDRESS.fullmatch(text)
    assert found is not None, "not an address"
    return found[1], found[2]


def _store(root: str) -> ObjectStore:
    try:
        from obstore.store import from_url
    except ImportError:
        raise UserError(f"'{root}' is in an object store; accepted: after {installing('stores')}") from None
    plain = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
    return from_url(
        root,
        client_options={"timeout": PATIENCE, "connect_timeout": PATIENCE / 2, "allow_http": plain},
        retry_config={"max_retries": 2, "retry_timeout": PATIENCE},
    )


@contextmanager
def _asking(text: str) -> Iterator[None]:
    """Turn an error of a store into one line without secrets."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        said = without_secrets(str(error).splitlines()[0])
        if any(name in said for name in METADATA):
            said = "no credentials are found"
        raise UserError(
            f"'{text}' cannot be read: {said[:300]}; accepted: a store that answers, and credentials in {_usual(text)}"
        ) from None


def _usual(text: str) -> str:
    """The variables that hold credentials."""
    return CREDENTIALS.get(text[:2], CREDENTIALS["az"])
