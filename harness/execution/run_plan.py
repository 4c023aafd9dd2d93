"""Run a prepared plan under the progress display, with tracking beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from harness.analysis.settling import unsettled
from harness.base.addresses import DASHBOARD
from harness.base.heartbeat import beating
from harness.base.notice import heeding
from harness.base.places import page_command
from harness.base.terminal import print_plain
from harness.execution.launchers.choice import launcher_of
from harness.execution.launchers.where import HERE, Where
from harness.execution.ledger import Ledger
from harness.execution.lock import locked
from harness.execution.observer import Observer
from harness.execution.prepare import prepare
from harness.execution.progress import Display
from harness.execution.room import ensure_room
from harness.execution.said import Said
from harness.execution.scheduler import Referee, launch
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.results.plan_results import PlanResult
from harness.search.arm import ArmPlan, findings_by_dataset
from harness.search.job import Job
from harness.search.storage import open_journal, searched
from harness.search.study import link
from harness.tracking.background import Background
from harness.tracking.factory import Kind, ensure_there, opener
from harness.tracking.live import Live


def checked(console: Console, plan: Plan, registry: Registry, results: Path, where: Where = HERE) -> list[ArmPlan]:
    """`prepare`, while saying so, unless the plan cannot be trained there; then what its data sets would mislead by."""
    launcher_of(where, plan, registry.extra, results)
    with Said(console, "checking the plan and building its data") as say:
        arms = prepare(plan, registry, results, say)
    warn = _warner(console)
    for dataset, found in findings_by_dataset(arms).items():
        for finding in found:
            warn(f"{dataset}: {finding}")
    for arm in arms:
        if arm.apart:
            warn(f"{arm.id}: train.seeds_at_once = {plan.train.seeds_at_once} is not used, as {arm.apart}")
    return arms


def run_plan(
    console: Console, plan: Plan, arms: list[ArmPlan], results: Path, where: Where, tracker: Kind,
    referee: Referee = unsettled, until: float = math.inf,
) -> tuple[PlanResult, Display, Background]:  # fmt: skip
    """Run a prepared plan, under the display and tracked beside it. referee: as of `launch`. until: when time is up, of
    `time.monotonic`: runs in training then save a checkpoint and end.

    Raises:
        TimeIsUp: it was, before all was done; beside what `launch` raises.
    """
    warn = _warner(console)
    ensure_there(tracker, results)
    tracking = Background(opener(tracker, results, plan, warn), warn)
    registry = arms[0].registry
    launcher = launcher_of(where, plan, registry.extra, results)
    workers = launcher.free

    def check(jobs: Sequence[Job]) -> None:
        if where.launcher == HERE.launcher:
            ensure_room(jobs, workers, results, registry)

    ledger = Ledger(results, plan.name)
    with Display(console, workers) as display, beating(ledger.sign):
        with heeding(until) as notice:
            observers: list[Observer] = [Live(tracking), display, ledger]
            result = launch(plan, arms, results, launcher, observers, check, warn, notice, referee)
        with locked(results, plan.name, wait=True):
            tracking.tell(lambda each: each.sync(result))
            if tracking.settled() and tracking.is_on:
                link_trials(results, tracking.page)
    return result, display, tracking


def pages(results: Path, tracking: Background, plan: Plan) -> list[str]:
    """Where the tracker and Optuna's dashboard show a plan, and the commands that serve them."""
    dashboard = f"Optuna dashboard  {page_command('dashboard', results)}, then {DASHBOARD.url}"
    return [*tracking.pages(), *([dashboard] if plan.search.trials else [])]


def link_trials(results: Path, page: Callable[[str], str | None]) -> None:
    """Let the trials of every search lead to where their runs are tracked. page: key -> an address, if there is one."""
    if searched(results):
        link(open_journal(results), page)


def _warner(console: Console) -> Callable[[str], None]:
    return lambda text: print_plain(console, text, "yellow")
