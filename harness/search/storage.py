"""Where studies are kept: in a journal file of the results folder, or in a database that several of them share."""

from __future__ import annotations

import hashlib
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.artifacts import FileSystemArtifactStore
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from sqlalchemy.exc import SQLAlchemyError

from harness.base.addresses import error_line, without_secrets
from harness.base.errors import UserError
from harness.base.extras import installing
from harness.base.files import write_text
from harness.base.locks import take, waited
from harness.base.owner import host, owner
from harness.search.lease import Lease

optuna.logging.set_verbosity(logging.WARNING)
JOURNAL = "optuna.journal"
"""The file in a results folder that holds its studies."""
VARIABLE = "OPTUNA_STORAGE"
"""The environment variable that names a database instead."""


class _JournalLock(JournalFileSymlinkLock):
    """Held while the journal is written, and gone with its process, however that ends.

    Optuna's own is a link to the journal, which a killed process leaves behind: where the journal's path is relative,
    the link leads nowhere, and who comes next waits for ever.
    """

    def __init__(self, journal: Path) -> None:
        self._lock = FileLock(_lock_of(journal))

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


@dataclass(frozen=True)
class Journal:
    """Where every study of a results folder is."""

    results: Path
    storage: BaseStorage
    artifacts: FileSystemArtifactStore
    """The files that belong to trials."""
    address: str = ""
    """Of a database, without its password; empty: a file of the results folder."""
    store: str = ""
    """Of a database, what the results folder is called there."""
    _leases: dict[str, Lease] = field(default_factory=dict)

    def name(self, search: str) -> str:
        """What the study of a search is called: in a database, after the results folder that it belongs to."""
        return f"{search} of {self.store}" if self.store else search

    def names(self) -> list[str]:
        """Of the studies of this results folder."""
        return [name for name in optuna.get_all_study_names(self.storage) if name.endswith(self.name(""))]

    @contextmanager
    def owned(self, study: str) -> Iterator[None]:
        """Inside, no other process asks and tells trials of a study.

        Raises:
            UserError: another does.
        """
        lock = take(self.results, "search", hashlib.sha256(study.encode()).hexdigest()[:16])
        if lock is None:
            raise UserError(f"another multiepoch runs the search '{study}' of '{self.results}'; wait for it")
        with lock:
            if not self.store:
                yield
                return
            lease = Lease(self.storage, study, f"{owner()} on {host()} in {self.results.resolve()}")
            try:
                with lease.held():
                    self._leases[study] = lease
                    yield
            finally:
                self._leases.pop(study, None)

    def check(self, study: str) -> None:
        """Raises:
        UserError: this process owned a study, and another took it over.
        """
        if (lease := self._leases.get(study)) is not None:
            lease.check()

    def moved(self, study: str) -> AbstractContextManager[None]:
        """Inside, a study is made anew; who owned it does so afterwards."""
        lease = self._leases.get(study)
        return nullcontext() if lease is None else lease.moved()

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Around calls to a database: its failures become one line."""
        try:
            yield
        except (StorageInternalError, SQLAlchemyError) as error:
            raise UserError(
                f"the searches in '{self.address or self.results / JOURNAL}' cannot be read or written: "
                f"{error_line(error)}; once they can, the same command goes on with what is missing"
            ) from error


def open_journal(results: Path) -> Journal:
    """Where the studies of a results folder are: the database that OPTUNA_STORAGE names, or else the folder's journal,
    made if there is none.

    Raises:
        UserError: it cannot be reached or used, or is damaged.
    """
    files, address = results / "optuna.artifacts", os.environ.get(VARIABLE, "")
    files.mkdir(parents=True, exist_ok=True)
    artifacts = FileSystemArtifactStore(str(files))
    if not address:
        return Journal(results, _file(results / JOURNAL), artifacts)
    return Journal(results, _database(address), artifacts, without_secrets(address), _store(results))


def searched(results: Path) -> bool:
    """Whether there may be studies of a results folder."""
    return bool(os.environ.get(VARIABLE)) or (results / JOURNAL).is_file()


def _file(path: Path) -> BaseStorage:
    try:
        if _is_cut(path):
            with FileLock(_lock_of(path)):  # another process may be writing it
                if _is_cut(path):
                    raise ValueError("its last line is cut off")
        return JournalStorage(JournalFileBackend(str(path), _JournalLock(path)))
    except Exception as error:  # Optuna raises whatever a line that is not its own leads to
        raise UserError(
            f"the searches in '{path}' cannot be read: {type(error).__name__}: {error}; delete the file: the same "
            "trials are proposed again, and their runs are found on disk"
        ) from error


def _is_cut(path: Path) -> bool:
    return path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")


def _lock_of(journal: Path) -> Path:
    return journal.with_name(f".{journal.name}.lock")


def _database(address: str) -> BaseStorage:
    try:
        return get_storage(address)
    except Exception as error:  # of SQLAlchemy, of Optuna, or of the driver that a database needs
        raise UserError(
            f"the database '{without_secrets(address)}', named by --storage or {VARIABLE}, cannot be used: "
            f"{error_line(error)}; accepted: an address as postgresql://user@host/database, after "
            f"{installing('postgres')}"
        ) from error


def _store(results: Path) -> str:
    """What a results folder is called in databases: drawn once, and kept in it."""
    path = results / "store"
    with waited(results, "store"):
        if not (path.exists() and path.read_text().strip()):  # a machine that died may have left it empty
            write_text(path, uuid.uuid4().hex[:12] + "\n")
    return path.read_text().strip()
