"""`multiepoch ui`: MLflow's pages of a results folder."""

from __future__ import annotations

import os
import socket
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from rich.console import Console

from harness.base.addresses import Address
from harness.base.terminal import print_plain
from harness.tracking.factory import pages

PATIENCE, NAP = 60.0, 0.2
"""Seconds that a server has to answer before no browser is opened, and between two looks."""


def serve_ui(console: Console, results: Path, address: Address, show: bool | None = None) -> None:
    """Say where every plan is shown, and serve that until interrupted; if a server does already, only say so.

    show: open the first view in a browser; None: where somebody sits before a screen.

    Raises:
        UserError: nothing is tracked there yet, or the address cannot be listened at.
    """
    lines, serve = pages(results, address)
    view = first_view(lines) if (has_screen() if show is None else show) else ""
    if serve is not None:
        address.check_free()
        lines = [*lines, "It answers in some seconds; Ctrl-C ends it"]
    print_plain(console, "\n".join(lines))
    if serve is None:
        if view:
            webbrowser.open(view)
        return
    if view:
        Thread(target=_open, args=(view, address), daemon=True).start()
    try:
        serve()
    except KeyboardInterrupt:
        console.print("ui ended")


def first_view(lines: Sequence[str]) -> str:
    """The address of the first curves; empty where no plan is tracked."""
    return next((line.split()[-1] for line in lines if line.split()[:1] == ["curves"]), "")


def has_screen() -> bool:
    shown = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return shown and sys.stdout.isatty()


def _open(view: str, address: Address) -> None:
    """Open a view once its server answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection((address.host, address.port), NAP).close()
        except OSError:
            time.sleep(NAP)
        else:
            webbrowser.open(view)
            return
