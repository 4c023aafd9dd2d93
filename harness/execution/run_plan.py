"""Run a prepared plan under the progress display, with tracking beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

from rich.console import Console

from harness.execution.lock import locked
from harness.execution.observer import Observer
from harness.execution.prepare import prepare
from harness.execution.progress import Display
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan, labels
from harness.plugins.registry import Registry
from harness.results.plan_results import PlanResult
from harness.search.arm import ArmPlan
from harness.search.study import link, open_journal
from harness.tracking.mlflow.live import Live
from harness.tracking.mlflow.notes import DASHBOARD, view
from harness.tracking.mlflow.tracker import Tracker


def checked(console: Console, plan: Plan, registry: Registry, results: Path) -> list[ArmPlan]:
    """`prepare`, while saying so."""
    with console.status("checking the plan and building its data"):
        return prepare(plan, registry, results)


def run_plan(
    console: Console, plan: Plan, arms: list[ArmPlan], results: Path, workers: int, mlflow: bool
) -> tuple[PlanResult, Display, Tracker | None]:
    """Run a prepared plan under the display, and live in MLflow if wanted."""
    about = plan.model_dump(mode="json", by_alias=True)
    tracker = Tracker(results, plan.name, about, _warner(console)) if mlflow else None
    with Display(console, workers, plan.search.task) as display:
        watching: list[Observer] = [display] if tracker is None else [Live(tracker), display]
        result = launch(plan, arms, results, workers, watching, tracker.links if tracker else lambda key: {})
        if tracker is not None:
            with locked(results, wait=True):
                tracker.sync(result)
                link_trials(results, tracker)
    return result, display, tracker


def pages(results: Path, tracker: Tracker | None, plan: Plan) -> list[str]:
    """Where MLflow and Optuna's dashboard show a plan, and the commands that serve them."""
    where, out = "" if results == Path("results") else f" RESULTS={results}", []
    if tracker is not None:
        out.append("MLflow" + (f"            make ui{where}, then" if tracker.store.is_local else ""))
        for dataset, model in product(labels(plan.datasets), labels(plan.models)):
            shared = partial(tracker.store.shared, view(dataset, model))
            out.append(f"  {dataset} / {model}")
            out.extend((f"    curves        {shared(charts=True)}", f"    table         {shared(charts=False)}"))
    if plan.search.trials:
        out.append(f"Optuna dashboard  make dashboard{where}, then {DASHBOARD}")
    return out


def link_trials(results: Path, tracker: Tracker) -> None:
    if (results / "optuna.journal").exists():
        link(open_journal(results), lambda key: tracker.links(key).get("mlflow_page"))


def _warner(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
