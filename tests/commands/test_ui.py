"""`multiepoch ui` in front of a screen: the first view opens, once its server answers."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console
from support.servers import free_port

from harness.base.addresses import Address
from harness.commands import ui

VIEW = "http://127.0.0.1:5000/#/experiments/1/runs"
LINES = ["MLflow: http://127.0.0.1:5000", "plan quick", "  powerlaw / dnn", f"    curves        {VIEW}?charts"]


def shown(monkeypatch: pytest.MonkeyPatch, address: Address, served: bool, show: bool | None) -> tuple[list[str], bool]:
    """What was opened, and whether somebody listened then."""
    opened: list[str] = []
    listening, listens, done = [False], [False], Event()

    def serve() -> None:
        with socket.create_server((address.host, address.port)):
            listening[0] = True
            done.wait(0.5 if show is not True else 30)

    def open_it(view: str) -> bool:
        opened.append(view)
        listens[0] = listening[0]
        done.set()
        return True

    monkeypatch.setattr(ui, "pages", lambda results, at: (LINES, serve if served else None))
    monkeypatch.setattr("webbrowser.open", open_it)
    ui.serve_ui(Console(quiet=True), Path("results"), address, show)
    return opened, listens[0]


def test_the_view_opens_once_the_server_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    address = Address("127.0.0.1", free_port())
    assert shown(monkeypatch, address, served=True, show=True) == ([f"{VIEW}?charts"], True)


def test_where_a_server_runs_already_the_view_opens_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, Address("127.0.0.1", free_port()), served=False, show=True)[0] == [f"{VIEW}?charts"]


@pytest.mark.parametrize("show", [False, None])
def test_without_a_screen_none_opens_unless_asked(monkeypatch: pytest.MonkeyPatch, show: bool | None) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert shown(monkeypatch, Address("127.0.0.1", free_port()), served=False, show=show)[0] == []


def test_a_plan_that_is_not_tracked_has_no_view() -> None:
    assert ui.first_view(["MLflow: http://127.0.0.1:5000", "plan quick", "  not in MLflow"]) == ""
