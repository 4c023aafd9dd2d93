"""`multiepoch dashboard`: Optuna's dashboard of a results folder."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.base.addresses import Address
from harness.base.terminal import print_plain
from harness.base.web_server import WebServer
from harness.search.dashboard import dashboard


def serve_dashboard(console: Console, results: Path, address: Address) -> None:
    """Serve it until interrupted.

    Raises:
        UserError: nothing was searched there yet, or the address cannot be listened at.
    """
    app, shown = dashboard(results)
    address.check_free()
    with WebServer(app, address) as server:
        print_plain(console, f"{shown}: {address.url}\nCtrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("dashboard ended")
