"""`multiepoch dashboard`: Optuna's dashboard of a results folder."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.base.addresses import Address
from harness.base.web_server import WebServer
from harness.search.dashboard import dashboard


def serve_dashboard(console: Console, results: Path, address: Address) -> None:
    """Serve it until interrupted.

    Raises:
        UserError: nothing was searched there yet, or the address cannot be listened at.
    """
    app, studies = dashboard(results)
    address.check_free()
    with WebServer(app, address) as server:
        shown = f"{studies} study" if studies == 1 else f"{studies} studies"
        console.print(f"Optuna dashboard of {shown}: {address.url}\nCtrl-C ends it", highlight=False, soft_wrap=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("dashboard ended")
