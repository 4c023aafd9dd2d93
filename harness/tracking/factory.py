"""The trackers there are. A new one is named here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from harness.base.addresses import Address
from harness.base.errors import UserError
from harness.experiment.plan import Plan
from harness.tracking.mlflow.place import reach, unusable, uri_of
from harness.tracking.tracker import NoTracker, Tracker

Kind = Literal["mlflow", "none"]


def opener(kind: Kind, results: Path, plan: Plan, warn: Callable[[str], None]) -> Callable[[], Tracker]:
    """What opens the tracker of a plan whose records are in a results folder.

    warn: called with the first problem, if there is one.

    The tracker raises UserError where what it writes to cannot be reached or used.
    """
    if kind == "none":
        return NoTracker

    def open_mlflow() -> Tracker:
        try:
            from harness.tracking.mlflow.tracker import MlflowTracker  # here, as importing mlflow takes seconds

            return MlflowTracker(results, plan, warn)
        except UserError:
            raise
        except Exception as error:  # of an mlflow that does not fit what it needs, or of runs that others wrote
            raise unusable(uri_of(results.resolve()), error) from error

    return open_mlflow


def ensure_there(kind: Kind, results: Path) -> None:
    """Refuse a tracker that cannot be reached, before any work.

    Raises:
        UserError: it cannot.
    """
    if kind == "mlflow":
        reach(uri_of(results.resolve()))


def pages(results: Path, address: Address) -> tuple[list[str], Callable[[], None] | None]:
    """Lines that say where every tracked plan of a results folder is shown, and what serves that at an address until
    it is interrupted; None where a server does already.

    Raises:
        UserError: nothing is tracked there, or it cannot be reached.
    """
    from harness.tracking.mlflow import server  # here, as importing mlflow takes seconds

    return server.pages(results, address)
