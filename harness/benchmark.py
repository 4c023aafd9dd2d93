"""The whole of a plan as a person runs it: launch, watch, rank, report, and say what to open next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.launch import Observer, launch
from harness.plugin import UserError
from harness.progress import Display, name
from harness.records import Arm, Outcome, read
from harness.registry import Registry
from harness.report import ranked_table, write_report
from harness.spec import Plan, load_plan
from harness.track import Observing


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
    """Run a plan and write its report; the exit status is 1 if a run failed."""
    plan = load_plan(path, overrides)
    display, _ = _launch(console, plan, results, workers, plugins, mlflow)
    console.print(ranked_table(results, plan.name))
    report = write_report(results, None)
    console.print(
        f"\n{display.trained} runs trained, {display.found} found on disk."
        f"\nreport            {report}"
        "\nMLflow            make ui          then open http://127.0.0.1:5000"
        "\nOptuna dashboard  make dashboard   then open http://127.0.0.1:8080",
        highlight=False,
        soft_wrap=True,
    )
    for job, reason in display.failed:
        console.print(f"[red]failed[/] {name(job)}: {reason}", highlight=False, soft_wrap=True)
    return int(bool(display.failed))
