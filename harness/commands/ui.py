"""`multiepoch ui`: MLflow's pages of a results folder."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.base.addresses import Address
from harness.tracking.factory import pages


def serve_ui(console: Console, results: Path, address: Address) -> None:
    """Say where every plan is shown, and serve that until interrupted; if a server does already, only say so.

    Raises:
        UserError: nothing is tracked there yet, or the address cannot be listened at.
    """
    lines, serve = pages(results, address)
    if serve is not None:
        address.check_free()
        lines = [*lines, "Ctrl-C ends it"]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    if serve is not None:
        try:
            serve()
        except KeyboardInterrupt:
            console.print("ui ended")
