"""What `multiepoch diagnose` trains beside its comparison, at the same knobs: another split, and parts of a sample."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.analysis.analysis import GroupAnalysis
from harness.base.errors import UserError
from harness.base.notice import TimeIsUp
from harness.base.terminal import print_plain
from harness.diagnose.again import Again, with_knobs
from harness.diagnose.race import seconds_again
from harness.diagnose.sizing import SPARE
from harness.execution.launchers.where import Where
from harness.execution.prepare import prepare
from harness.execution.run_plan import run_plan
from harness.execution.said import Said
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.report.write import analyse
from harness.results.plan_results import PLAIN, PlanResult, read_plan_result
from harness.tracking.factory import Kind


@dataclass(frozen=True)
class Beside:
    """first: the comparison. lead: the strategy that its verdict rests on, if any. building: seconds until other data
    of the log are there. until: the end, of `time.monotonic`."""

    console: Console
    out: Path
    workers: int
    tracker: Kind
    registry: Registry
    first: Plan
    lead: str | None
    building: float
    until: float

    def train(self, again: Again, size: float = 1.0) -> GroupAnalysis | str:
        """What it came to, or why it was not tried. size: of the data, against those of the comparison."""
        result = read_plan_result(self.out, self.first.name)
        takes = seconds_again(result, self.out, self.workers, self.building, size)
        left = max(0.0, self.until - time.monotonic())
        if not self._done(again) and takes > SPARE * left:
            return f"it takes about {takes / SPARE:.0f} s, and the budget has {left:.0f} s left"
        print_plain(self.console, f"the same on {again.what}")
        plan = again.plan(self.first, [self.lead] if self.lead not in (None, PLAIN) else [])
        try:
            return self._trained(plan, result)
        except UserError as error:  # as of a label of one class there: what is known already stays
            return str(error)

    def _done(self, again: Again) -> bool:
        path = self.out / "plans" / f"{again.name}.json"
        return path.exists() and read_plan_result(self.out, again.name).complete

    def _trained(self, plan: Plan, result: PlanResult) -> GroupAnalysis | str:
        with Said(self.console, "building its data") as say:
            arms = with_knobs(prepare(plan, self.registry, self.out, say), result.arms)
        try:
            run_plan(
                self.console, plan, arms, self.out, Where(workers=self.workers), self.tracker, until=self.until
            )  # fmt: skip
        except TimeIsUp:
            return "time was over before it was done; the same command goes on"
        return analyse(self.out, plan.name).groups[0]
