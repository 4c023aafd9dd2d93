"""`multiepoch sync`: bring MLflow up to date with the records on disk."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.analysis.load import plans
from harness.base.errors import UserError
from harness.base.terminal import print_plain
from harness.commands.benchmark import report_files
from harness.execution.lock import locked
from harness.execution.run_plan import link_trials
from harness.tracking.sync import sync as sync_plan


def sync(console: Console, names: list[str] | None, results: Path) -> None:
    """Write to MLflow what is on disk and not there yet, and let the trials of the searches lead there.

    Raises:
        UserError: a plan is damaged, being run, or not taken by MLflow; the others are written.
    """
    left = list[UserError]()
    for plan in names or plans(results):
        try:
            with locked(results, plan):
                tracker = sync_plan("mlflow", results, plan, report_files(results, plan))
                link_trials(results, tracker.page)
        except UserError as error:
            left.append(error)
        else:
            print_plain(console, f"MLflow has all of plan '{plan}'")
    if left:
        raise UserError("; ".join(map(str, left)))
