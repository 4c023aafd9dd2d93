"""What the commands about whole plans do: run one and rank it, bring MLflow up to date."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

from rich.console import Console

from harness.arms import ArmPlan
from harness.launch import Observer, launch, locked, prepare
from harness.outcome import Outcome, read_outcome
from harness.plugin import UserError
from harness.progress import Display, failures
from harness.registry import Registry
from harness.report import ranked_table, write_report
from harness.report.load import plans as plans_run
from harness.resolve import labels
from harness.spec import Plan, load_plan
from harness.track import Live, Tracker
from harness.track import sync as sync_plan
from harness.track.notes import DASHBOARD, view
from harness.tune import link, open_journal


def benchmark(
    console: Console,
    path: Path,
    results: Path,
    workers: int,
    plugins: Path | None,
    overrides: list[str] | None,
    *,
    mlflow: bool,
) -> int:
    """Run a plan, print its ranking and write the report; the exit status is 1 if a run failed."""
    plan = load_plan(path, overrides)
    _own_table(plan, results)
    arms = checked(console, plan, Registry(plugins), results)
    _, display, tracker = run_plan(console, plan, arms, results, workers, mlflow)
    console.print(ranked_table(results, plan.name))
    lines = [f"{display.trained} runs trained, {display.found} found on disk", ""]
    lines.append(f"report            {write_report(results, None)}")
    if tracker is not None:
        tracker.attach(_report_files(results, plan.name))
    console.print("\n".join(lines + pages(results, tracker, plan)), markup=False, highlight=False, soft_wrap=True)
    return failures(console, display)


def sync(console: Console, names: list[str] | None, results: Path) -> None:
    """Write to MLflow what is on disk and not there yet, and let the trials of the searches lead there."""
    known = names or plans_run(results)
    with locked(results):
        for plan in known:
            tracker = sync_plan(results, plan, _report_files(results, plan))
            _link(results, tracker)
            console.print(f"MLflow has all of plan '{plan}'", highlight=False)


def checked(console: Console, plan: Plan, registry: Registry, results: Path) -> list[ArmPlan]:
    """`prepare`, while saying so."""
    with console.status("checking the plan and building its data"):
        return prepare(plan, registry, results)


def run_plan(
    console: Console, plan: Plan, arms: list[ArmPlan], results: Path, workers: int, mlflow: bool
) -> tuple[Outcome, Display, Tracker | None]:
    """Run a prepared plan under the display, and live in MLflow if wanted."""
    about = plan.model_dump(mode="json", by_alias=True)
    tracker = Tracker(results, plan.name, about, _warner(console)) if mlflow else None
    with Display(console, workers, plan.search.task) as display:
        watching: list[Observer] = [display] if tracker is None else [Live(tracker), display]
        outcome = launch(plan, arms, results, workers, watching, tracker.links if tracker else lambda key: {})
        if tracker is not None:
            with locked(results, wait=True):
                tracker.sync(outcome)
                _link(results, tracker)
    return outcome, display, tracker


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


def _own_table(plan: Plan, results: Path) -> None:
    """Refuse a plan that would overwrite the published table of another."""
    table = plan.table or plan.name
    for path in sorted((results / "plans").glob("*.json")):
        if path.stem != plan.name and read_outcome(results, path.stem).table == table:
            raise UserError(
                f"plan '{plan.name}' and plan '{path.stem}', which was run in '{results}' before, would both write "
                f"tables/{table}.md; give this one another table, as --set table={plan.name}"
            )


def _report_files(results: Path, plan: str) -> list[Path]:
    """The report, and the tables and figures of one plan."""
    named = re.compile(re.escape(read_outcome(results, plan).table) + r"(-\d+|-ranks)?")
    mine = [file for file in sorted((results / "tables").glob("*")) if named.fullmatch(file.stem)]
    return [file for file in (results / "report.html", *mine) if file.is_file()]


def _link(results: Path, tracker: Tracker) -> None:
    if (results / "optuna.journal").exists():
        link(open_journal(results), lambda key: tracker.links(key).get("mlflow_page"))


def _warner(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
