"""Which MLflow the runs of a results folder are shown by, and whether it is there; asked before mlflow is imported,
which takes seconds.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from harness.base.addresses import error_line, without_secrets
from harness.base.errors import UserError

PATIENCE = 4.0
"""Seconds that a server has to answer; one that is silent is there."""


def uri_of(results: Path) -> str:
    """The server or database that MLFLOW_TRACKING_URI names, else that of the results folder.

    Raises:
        UserError: the folder cannot have one.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or own_database(results)


def own_database(results: Path) -> str:
    """The database of a results folder; opened once here, as MLflow retries for minutes what cannot work.

    Raises:
        UserError: it cannot be used.
    """
    path = results / "mlflow.db"
    if set("%?#") & set(str(path)):
        raise UserError(
            f"MLflow cannot use results folder '{results}': its name has a %, ? or # in it; "
            "accepted: a path without them, or --no-mlflow of benchmark, run, tune and diagnose"
        )
    try:
        results.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA schema_version")
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"MLflow's database '{path}' cannot be used: {error}; if it is damaged, delete it, and `multiepoch sync` "
            "makes it again"
        ) from error
    return local_uri(results)


def local_uri(results: Path) -> str:
    return f"sqlite:///{results}/mlflow.db"


def has_server(uri: str) -> bool:
    """Whether a server shows what is there already."""
    return uri.startswith(("http", "databricks"))


def reach(uri: str) -> None:
    """Open a database or call a server once, as MLflow retries for minutes what cannot work.

    Raises:
        UserError: it holds searches, whose tables are no neighbours for MLflow's, or cannot be reached.
    """
    if uri == os.environ.get("OPTUNA_STORAGE"):
        raise UserError(
            f"MLFLOW_TRACKING_URI and OPTUNA_STORAGE name one database, '{without_secrets(uri)}', in which both would "
            "make a table of the same name; accepted: one for each"
        )
    try:
        if uri.startswith("http"):
            _call(uri)
        elif not has_server(uri):
            _connect(uri)
    except Exception as error:
        raise unusable(uri, error) from error


def unusable(uri: str, error: Exception) -> UserError:
    """What a person is told where MLflow failed before it was of any use."""
    return UserError(
        f"MLflow at '{without_secrets(uri)}' cannot be used: {error_line(error)}; start it, or change or unset "
        "MLFLOW_TRACKING_URI; benchmark, run and tune do without it by --no-mlflow, and `multiepoch sync` completes it "
        "later"
    )


def _call(uri: str) -> None:
    """Whatever a server answers, and if it answers late, it is there."""
    import requests

    with suppress(requests.Timeout):
        requests.get(uri, timeout=PATIENCE, stream=True).close()


def _connect(uri: str) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    engine.connect().close()
    engine.dispose()
