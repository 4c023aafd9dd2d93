"""What shows the runs and arms of a plan somewhere else, while they train or later from disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from harness.results.keys import Status
from harness.results.plan_results import Arm, PlanResult
from harness.results.records import Record, Run
from harness.tracking.members import Member


class Tracker(Protocol):
    """Shows one plan. What is shown completely is never written again.

    Once it exists, a tracker raises nothing: a service that fails is reported once, and the work goes on.
    """

    @property
    def problem(self) -> str | None:
        """The first thing that went wrong since the last `sync`; None if all went well."""

    def start(self, member: Member, spec: Mapping[str, Any]) -> None:
        """Begin a run, in place of what an earlier attempt left."""

    def log(self, key: str, record: Record) -> None:
        """Show an evaluation of a run that was started."""

    def finish(self, key: str, status: Status, reason: str = "") -> None:
        """End a run that was started. status: finished or failed."""

    def replay(self, run: Run, member: Member) -> None:
        """Show a run that is on disk as if it had been started, logged and finished."""

    def show_arms(self, arms: Sequence[Arm], among: Sequence[Arm]) -> None:
        """Show what arms came to. among: all that are done by now of their data set and model, the baseline too."""

    def attach(self, files: Sequence[Path]) -> None:
        """Show the files of the plan's report, in place of older ones."""

    def sync(self, result: PlanResult) -> None:
        """Show everything of a plan that is on disk and not shown yet; a second call changes nothing."""

    def page(self, key: str) -> str | None:
        """The address that shows a run; None if there is none."""

    def pages(self) -> list[str]:
        """Lines that tell a person where to look."""


class NoTracker:
    """Shows nothing."""

    problem = None

    def start(self, member: Member, spec: Mapping[str, Any]) -> None: ...

    def log(self, key: str, record: Record) -> None: ...

    def finish(self, key: str, status: Status, reason: str = "") -> None: ...

    def replay(self, run: Run, member: Member) -> None: ...

    def show_arms(self, arms: Sequence[Arm], among: Sequence[Arm]) -> None: ...

    def attach(self, files: Sequence[Path]) -> None: ...

    def sync(self, result: PlanResult) -> None: ...

    def page(self, key: str) -> str | None:
        return None

    def pages(self) -> list[str]:
        return []
