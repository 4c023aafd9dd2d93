"""A real MLflow server: reached by MLFLOW_TRACKING_URI, and lost in mid-run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.servers import Server, mlflow_server
from support.tracking import NONE, content, observe, run_of, tracker_of, write_plan

from harness.results.keys import RunRole
from harness.results.run_reader import read
from harness.tracking.members import Member
from harness.tracking.sync import sync


@pytest.fixture
def served(folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Server]]:
    """A results folder whose database is behind a server, which MLFLOW_TRACKING_URI names."""
    results = folder("served")
    server = mlflow_server(results).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield results, server
    server.stop()


def test_pages_are_those_of_a_server_and_one_that_dies_in_mid_run_is_completed_by_a_sync(
    served: tuple[Path, Server], folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    results, server = served
    result, warnings = write_plan(results), list[str]()
    tracker = tracker_of(results, warn=warnings.append)
    run = read(results / "runs", "none1")
    tracker.start(Member("none1", NONE, RunRole.SEED, 1, {"table_lr": 0.01}), run.spec)
    tracker.log("none1", run.records[0])
    assert (tracker.page("none1") or "").startswith(f"{server.url}/#/experiments/")
    assert not tracker.store.is_local
    server.stop()
    observe(tracker, results, result)
    tracker.sync(result)
    assert len(warnings) == 1
    assert f"MLflow at '{server.url}' failed" in warnings[0]
    assert run_of(results, "none", "seed 1").info.status == "RUNNING"
    server.start()
    sync("mlflow", results, "plan")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    reference = folder("reference")
    for part in ("runs", "plans"):
        shutil.copytree(results / part, reference / part)
    sync("mlflow", reference, "plan")
    assert content(results) == content(reference)
