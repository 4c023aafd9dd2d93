"""A real MLflow server: reached by MLFLOW_TRACKING_URI, and lost in mid-run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_track import PLAN, content, empty_database, folder, observe, run_of, spec_of, write_plan

from harness.results.records import read
from harness.tracking.mlflow.live import Live
from harness.tracking.mlflow.points import Member
from harness.tracking.mlflow.tracker import Tracker, sync

__all__ = ["empty_database", "folder"]


class Server:
    """A web server in a process group of its own. command: may hold {port}, a free one."""

    def __init__(self, *command: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [part.format(port=port) for part in command]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self._process = subprocess.Popen(
            self._command,
            env=os.environ | quiet,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not self._answers():
            assert self._process.poll() is None, f"{self._command} ended"
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=5):
                return True
        except OSError:
            return False


def mlflow_server(results: Path) -> Server:
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", "{port}"]
    stores = ["--backend-store-uri", f"sqlite:///{results}/mlflow.db", "--no-serve-artifacts"]
    return Server(*command, *stores, "--default-artifact-root", (results / "mlartifacts").as_uri())


@pytest.fixture
def served(folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Server]]:
    """A results folder whose database is behind a server, which MLFLOW_TRACKING_URI names."""
    results = folder("served")
    server = mlflow_server(results).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield results, server
    server.stop()


def test_a_server_that_dies_in_mid_run_is_completed_by_a_sync(
    served: tuple[Path, Server], folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    results, server = served
    outcome, warnings = write_plan(results), list[str]()
    tracker = Tracker(results, "plan", PLAN, warnings.append)
    run = read(results / "runs", "none1")
    tracker.start(Member("none1", "powerlaw/dnn/none", "seed", 1, {"table_lr": 0.01}), run.spec)
    tracker.log("none1", run.records[0])
    server.stop()
    observe(Live(tracker), results, outcome)
    tracker.sync(outcome)
    assert len(warnings) == 1
    assert f"MLflow at '{server.url}' failed" in warnings[0]
    assert run_of(results, "none", "seed 1").info.status == "RUNNING"
    server.start()
    sync(results, "plan")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    reference = folder("reference")
    for part in ("runs", "plans"):
        shutil.copytree(results / part, reference / part)
    sync(reference, "plan")
    assert content(results) == content(reference)


def test_pages_are_those_of_the_server(served: tuple[Path, Server]) -> None:
    results, server = served
    tracker = Tracker(results, "plan", PLAN)
    tracker.start(Member("k1", "powerlaw/dnn/none", "seed", 1, {}), spec_of(1))
    assert tracker.links("k1")["mlflow_page"].startswith(f"{server.url}/#/experiments/")
    assert not tracker.store.is_local
