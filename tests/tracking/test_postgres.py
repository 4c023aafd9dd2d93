"""MLflow on a PostgreSQL: written directly, and through a server that serves the files too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.postgres import postgres
from support.servers import mlflow_server
from support.tracking import plan_of, tracker_of, write_plan

from harness.base.addresses import MLFLOW
from harness.base.errors import UserError
from harness.tracking.factory import pages
from harness.tracking.sync import sync


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as server:
        yield server.new("tracked")


def files(uri: str) -> list[str]:
    """Of the run `seed 1` of the plan's first arm, as somebody else reads them."""
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("plan")
    assert experiment is not None
    run = next(r for r in client.search_runs([experiment.experiment_id]) if r.info.run_name == "seed 1")
    return [file.path for file in client.list_artifacts(run.info.run_id)]


def test_a_plan_is_written_and_shown_directly_and_by_a_server_that_has_its_files(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server first, as an experiment's files stay where they began."""
    results = tmp_path / "results"
    write_plan(results)
    server = mlflow_server(tmp_path, database).start()
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        sync("mlflow", results, "plan", [results / "plans" / "plan.json"])
        assert files(server.url) == ["spec.json"]
        assert list((tmp_path / "served").rglob("spec.json"))
        assert not (results / "mlartifacts").exists()
        lines, serve = pages(results, MLFLOW)
        assert (lines[0], serve) == (f"MLflow: {server.url}", None)
    finally:
        server.stop()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    shown, serve = pages(results, MLFLOW)
    assert shown == [line.replace(server.url, MLFLOW.url) for line in lines]
    assert serve is not None
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", (tmp_path / "shared").as_uri())
    store = tracker_of(results, plan_of(name="second")).store
    assert store.is_local
    found = store.client.get_experiment_by_name("second")
    assert found is not None
    assert found.artifact_location == (tmp_path / "shared" / "second").as_uri()


def test_a_database_that_is_not_there_is_one_line_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg", reason="multiepoch[postgres] is not installed")
    write_plan(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://user:secret@127.0.0.1:1/none")
    for use in (lambda: tracker_of(tmp_path), lambda: pages(tmp_path, MLFLOW)):
        with pytest.raises(UserError, match=r"MLflow at 'postgresql://127\.0\.0\.1:1/none' cannot be used") as refused:
            use()
        assert "secret" not in str(refused.value)


def test_searches_and_tracking_in_one_database_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "OPTUNA_STORAGE"):
        monkeypatch.setenv(name, "postgresql://here/both")
    with pytest.raises(UserError, match=r"name one database, 'postgresql://here/both'.* accepted: one for each"):
        tracker_of(tmp_path)
