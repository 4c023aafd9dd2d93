"""Bring a tracker up to date with what is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.base.errors import UserError
from harness.experiment.plan_file import plan_that_ran
from harness.results.plan_results import read_plan_result
from harness.tracking.factory import Kind, open_tracker
from harness.tracking.tracker import Tracker


def sync(kind: Kind, results: Path, name: str, files: Sequence[Path] = ()) -> Tracker:
    """Show all that is on disk of the plan of this name. files: of its report.

    Raises:
        UserError: the plan was never run here, or the tracker failed before all was written.
    """
    result = read_plan_result(results, name)
    tracker = open_tracker(kind, results, plan_that_ran(name, result.plan), warn=lambda _: None)
    tracker.sync(result)
    tracker.attach(files)
    if tracker.problem is not None:
        raise UserError(tracker.problem)
    return tracker
