"""`multiepoch benchmark`: run a plan, rank its strategies, write the report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.base.errors import UserError
from harness.base.terminal import print_plain
from harness.base.words import counted
from harness.execution.launchers.where import Where
from harness.execution.progress import Display, failures
from harness.execution.run_plan import checked, pages, run_plan
from harness.experiment.plan import Plan
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.results.plan_results import TABLES, page_of, read_plan_result
from harness.search.arm import ArmPlan
from harness.tracking.background import Background
from harness.tracking.factory import Kind

if TYPE_CHECKING:
    from harness.analysis.analysis import Analysis


def benchmark(
    console: Console,
    plan_name: str,
    results: Path,
    where: Where,
    plugins: Path | None,
    overrides: list[str] | None,
    *,
    tracker: Kind,
) -> int:
    """Run a plan, print its ranking and write the report; the exit status is 1 if a run failed."""
    plan = load_plan(plan_name, overrides)
    analysis, display, tracking = trained(console, plan, Registry(plugins), results, where, tracker)

    from harness.report.tables.printed import terminal  # here, as the first run would wait for scipy.stats
    from harness.report.write import write_report

    console.print(terminal(analysis))
    lines = [f"{counted(display.trained, 'run')} trained, {display.found} found on disk", ""]
    lines.append(f"report            {write_report(results, None, known=[analysis])}")
    tracking.attach(report_files(results, plan.name))
    print_plain(console, "\n".join(lines + pages(results, tracking, plan)))
    return failures(console, display)


def trained(
    console: Console, plan: Plan, registry: Registry, results: Path, where: Where, tracker: Kind
) -> tuple[Analysis, Display, Background]:
    """Run what is missing of a plan, and read what it came to."""
    _own_table(plan, results)
    arms = checked(console, plan, registry, results, where)
    print_plain(console, _outline(plan, arms, where))
    result, display, tracking = run_plan(console, plan, arms, results, where, tracker)

    from harness.data.profile.describe import keep_descriptions
    from harness.report.write import analyse

    keep_descriptions(result.data, results)
    return analyse(results, plan.name), display, tracking


def _outline(plan: Plan, arms: list[ArmPlan], where: Where) -> str:
    """What is about to run, in a line."""
    parts = [
        (len(plan.strategies), "strategy", "strategies"),
        (len(plan.datasets), "data set", "data sets"),
        (len(plan.models), "network", "networks"),
        (len(plan.seeds), "seed", "seeds"),
        (plan.train.epochs, "epoch", "epochs"),
        (plan.search.trials, "trial each", "trials each"),
    ]
    words = ", ".join(counted(*part) for part in parts if part[0])
    return f"plan {plan.name}: {words}; at most {counted(sum(arm.most_runs for arm in arms), 'run')}, {where}"


def _own_table(plan: Plan, results: Path) -> None:
    """Refuse a plan that would overwrite the table of another."""
    table = plan.table or plan.name
    for path in sorted((results / "plans").glob("*.json")):
        if path.stem != plan.name and _table_of(results, path.stem) == table:
            raise UserError(
                f"plan '{plan.name}' and plan '{path.stem}', which was run in '{results}' before, would both write "
                f"{TABLES}/{table}.md; give this one another table, as --set table={plan.name}"
            )


def _table_of(results: Path, name: str) -> str | None:
    """The table of a plan that was run; None: its file is damaged, which is no obstacle to another plan."""
    try:
        return read_plan_result(results, name).table
    except UserError:
        return None


def report_files(results: Path, plan: str) -> list[Path]:
    """The page, and the tables and figures of one plan."""
    table = re.escape(read_plan_result(results, plan).table)
    named = re.compile(rf"{table}\.\w+|{table}(-\d+(-windows)?|-ranks)\.svg")
    mine = [file for file in sorted((results / TABLES).glob("*")) if named.fullmatch(file.name)]
    page = page_of(results, plan)
    page = page if page.is_file() else results / "report.html"
    return [file for file in (page, *mine) if file.is_file()]
