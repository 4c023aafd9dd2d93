"""`multiepoch sync`: bring MLflow up to date with the records on disk."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.analysis.load import plans
from harness.commands.benchmark import report_files
from harness.execution.lock import locked
from harness.execution.run_plan import link_trials
from harness.tracking.sync import sync as sync_plan


def sync(console: Console, names: list[str] | None, results: Path) -> None:
    """Write to MLflow what is on disk and not there yet, and let the trials of the searches lead there."""
    known = names or plans(results)
    for plan in known:
        with locked(results, plan):
            tracker = sync_plan("mlflow", results, plan, report_files(results, plan))
            link_trials(results, tracker.page)
        console.print(f"MLflow has all of plan '{plan}'", highlight=False)
