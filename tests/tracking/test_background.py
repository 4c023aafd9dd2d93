"""A tracker that is slow, silent or broken holds up no launch."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.tracking import PLAN, records_of, result_of, run_of, tracker_of, write_plan

from harness.base.errors import UserError
from harness.tracking import background
from harness.tracking.background import Background
from harness.tracking.factory import opener
from harness.tracking.sync import sync
from harness.tracking.tracker import NoTracker, Tracker


class Gate(NoTracker):
    """Answers nothing until it is opened."""

    def __init__(self) -> None:
        self.open, self.synced = threading.Event(), 0

    def sync(self, result: object) -> None:
        self.open.wait(30)
        self.synced += 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"OPENING": 0.2, "PROMPT": 0.05, "LEAST": 0.3}.items():
        monkeypatch.setattr(background, name, seconds)


def test_a_tracker_that_answers_nothing_is_left_behind_with_one_line(impatient: None) -> None:
    gate, warnings = Gate(), list[str]()
    tracking = Background(lambda: gate, warnings.append)
    for _ in range(3):
        tracking.tell(lambda tracker: tracker.sync(result_of()))
    assert not tracking.settled()
    assert warnings == [f"{background.TOO_SLOW}; this launch goes on without it"]
    tracking.tell(lambda tracker: pytest.fail("told something after it was left behind"))
    assert tracking.pages() == []
    gate.open.set()


def test_time_is_not_lost_to_calls_that_are_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LEAST", 0.0)
    monkeypatch.setattr(background, "SHARE", 0.0)
    gate = Gate()
    gate.open.set()
    tracking = Background(lambda: gate, pytest.fail)
    for _ in range(1000):
        tracking.tell(lambda tracker: tracker.sync(result_of()))
    assert tracking.settled()
    assert gate.synced == 1000


def test_a_tracker_that_cannot_be_used_is_refused(impatient: None) -> None:
    def refuse() -> Tracker:
        raise UserError("no such server")

    tracking = Background(refuse, pytest.fail)
    tracking.tell(lambda tracker: pytest.fail("it never opened"))
    with pytest.raises(UserError, match="no such server"):
        tracking.settled()
    with pytest.raises(UserError, match="no such server"):
        tracking.tell(lambda tracker: None)


def test_a_tracker_that_is_refused_late_is_left_behind_with_one_line(impatient: None) -> None:
    gate, warnings = threading.Event(), list[str]()

    def refuse() -> Tracker:
        gate.wait(30)
        time.sleep(background.OPENING)
        raise UserError("no such server")

    tracking = Background(refuse, warnings.append)
    tracking.tell(lambda tracker: pytest.fail("it never opened"))
    gate.set()
    assert not tracking.settled()
    assert warnings == ["no such server; this launch goes on without it"]


def test_a_fault_in_a_tracker_is_raised_where_it_is_waited_for() -> None:
    def break_down(tracker: Tracker) -> None:
        raise ZeroDivisionError

    tracking = Background(NoTracker, pytest.fail)
    tracking.tell(break_down)
    with pytest.raises(ZeroDivisionError):
        tracking.settled()


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that takes every request and answers none, which MLFLOW_TRACKING_URI names."""
    release = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def handle(self) -> None:
            release.wait(60)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    yield url
    release.set()
    server.shutdown()
    server.server_close()


def test_an_mlflow_that_cannot_be_imported_is_one_line(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "harness.tracking.mlflow.tracker", None)
    with pytest.raises(UserError, match=r"cannot be used: ModuleNotFoundError.*by --no-mlflow"):
        opener("mlflow", results, PLAN, pytest.fail)()


def test_a_server_that_never_answers_is_completed_by_a_sync(
    impatient: None, results: Path, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, warnings = write_plan(results), list[str]()
    tracking = Background(opener("mlflow", results, PLAN, warnings.append), warnings.append)
    tracking.tell(lambda tracker: tracker.log("none1", records_of([0.7])[0]))
    tracking.tell(lambda tracker: tracker.sync(result))
    assert not tracking.settled()
    assert [warning.split(",")[0] for warning in warnings] == ["tracking is behind"]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    sync("mlflow", results, "plan")
    assert tracker_of(results).problem is None
    assert run_of(results, "none").data.metrics["seeds"] == 2
