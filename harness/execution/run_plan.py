"""Run a prepared plan under the progress display, with tracking beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from harness.base.addresses import DASHBOARD
from harness.base.places import page_command
from harness.execution.local_pool import LocalPool
from harness.execution.lock import locked
from harness.execution.prepare import prepare
from harness.execution.progress import Display
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.results.plan_results import PlanResult
from harness.search.arm import ArmPlan
from harness.search.study import JOURNAL, link, open_journal
from harness.tracking.factory import Kind, open_tracker
from harness.tracking.live import Live
from harness.tracking.tracker import NoTracker, Tracker


def checked(console: Console, plan: Plan, registry: Registry, results: Path) -> list[ArmPlan]:
    """`prepare`, while saying so."""
    with console.status("checking the plan and building its data"):
        return prepare(plan, registry, results)


def run_plan(
    console: Console, plan: Plan, arms: list[ArmPlan], results: Path, workers: int, tracking: Kind
) -> tuple[PlanResult, Display, Tracker]:
    """Run a prepared plan on this machine, under the display and tracked while it trains."""
    tracker = open_tracker(tracking, results, plan, _warner(console))
    pool = LocalPool(workers, arms[0].registry.extra, results)
    with Display(console, workers, plan.search.task) as display:
        result = launch(plan, arms, results, pool, [Live(tracker), display], tracker.links)
        if not isinstance(tracker, NoTracker):
            with locked(results, wait=True):
                tracker.sync(result)
                link_trials(results, tracker)
    return result, display, tracker


def pages(results: Path, tracker: Tracker, plan: Plan) -> list[str]:
    """Where the tracker and Optuna's dashboard show a plan, and the commands that serve them."""
    dashboard = f"Optuna dashboard  {page_command('dashboard', results)}, then {DASHBOARD.url}"
    return [*tracker.pages(), *([dashboard] if plan.search.trials else [])]


def link_trials(results: Path, tracker: Tracker) -> None:
    """Let the trials of every search lead to where their runs are tracked."""
    if (results / JOURNAL).exists():
        link(open_journal(results), tracker.page)


def _warner(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
