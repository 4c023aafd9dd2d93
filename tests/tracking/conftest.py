"""Results folders with an MLflow database of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.tracking import write_plan

from harness.tracking.sync import sync


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy, as migrating takes seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes results folders whose MLflow is empty."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def make(name: str) -> Path:
        (tmp_path / name).mkdir()
        shutil.copy(empty_database, tmp_path / name / "mlflow.db")
        return tmp_path / name

    return make


@pytest.fixture
def results(folder: Callable[[str], Path]) -> Path:
    return folder("results")


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A results folder that was brought to MLflow from disk, to look at."""
    results = tmp_path_factory.mktemp("synced")
    shutil.copy(empty_database, results / "mlflow.db")
    write_plan(results)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        sync("mlflow", results, "plan")
    return results
