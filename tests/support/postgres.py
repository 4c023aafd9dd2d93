"""A PostgreSQL of its own for a test: the system's, run by another user where this one is root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.servers import free_port

USERS = ("postgres", "nobody")
"""Who may run it instead of root, which it refuses."""


def _binaries() -> Path | None:
    found = [Path(path).resolve().parent for name in ("initdb", "postgres") if (path := shutil.which(name))]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if all((folder / n).is_file() for n in ("initdb", "pg_ctl"))), None)


def _other_user() -> pwd.struct_passwd | None:
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next((known[name] for name in USERS if name in known), None)


def missing() -> str:
    """What a server needs and is not here; empty: nothing."""
    if _binaries() is None or (os.geteuid() == 0 and (_other_user() is None or shutil.which("setpriv") is None)):
        return "there is no PostgreSQL here: no initdb, or nobody but root to run it"
    return "" if find_spec("psycopg") else "multiepoch[postgres] is not installed"


class Postgres:
    """A server in a folder that exists. It asks for no password."""

    def __init__(self, folder: Path) -> None:
        if lacks := missing():
            pytest.skip(lacks)
        binaries, user = _binaries(), _other_user() if os.geteuid() == 0 else None
        assert binaries is not None
        self._binaries, self._data, self._port = binaries, folder / "data", free_port()
        self._as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "team", "-A", "trust", "--no-sync")

    def start(self) -> Postgres:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        log = str(self._data / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")
        return self

    def stop(self) -> None:
        """At once, as if it had been killed."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def new(self, name: str) -> str:
        """The address of a new database."""
        place = ("-h", "127.0.0.1", "-p", str(self._port), "-U", "team")
        self._run("createdb", *place, name)
        return f"postgresql://team:secret@127.0.0.1:{self._port}/{name}"

    def _run(self, command: str, *arguments: str) -> None:
        whole: Sequence[str] = [*self._as, str(self._binaries / command), *arguments]
        subprocess.run(whole, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory() as folder:  # not in pytest's own, which another user may not enter
        server = Postgres(Path(folder)).start()
        try:
            yield server
        finally:
            server.stop()
