"""`multiepoch check`: which plug-ins do what the harness relies on, and what a plan and its data are like."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from harness.base.places import PLANS
from harness.base.terminal import print_plain
from harness.base.words import counted
from harness.execution.run_plan import checked
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.search.arm import findings_by_dataset
from harness.testing.conformance import conformance


def check(console: Console, names: list[str], results: Path, plugins: Path | None) -> int:
    """Check plans, then plug-ins; the exit status is 1 if a plug-in failed. What data would mislead by changes none."""
    plans = [name for name in names if name.endswith(".toml") or (PLANS / f"{name}.toml").is_file()]
    for name in plans:
        _print_plan(console, name, results, plugins)
    others = [name for name in names if name not in plans]
    return print_conformance(console, others, plugins) if others or not plans else 0


def _print_plan(console: Console, name: str, results: Path, plugins: Path | None) -> None:
    """Read a plan, and build and check its data sets, as `benchmark` does before it trains."""
    plan = load_plan(name)
    arms = checked(console, plan, Registry(plugins), results)
    found = findings_by_dataset(arms)
    misleading = sum(map(len, found.values()))
    runs = counted(sum(arm.most_runs for arm in arms), "run")
    has = f"{counted(len(arms), 'arm')}, at most {runs}; data sets: {len(found)}, findings: {misleading}"
    print_plain(console, f"plan {plan.name}: {has}")


def print_conformance(console: Console, names: list[str], plugins: Path | None) -> int:
    """Run the checks; the exit status is 1 if one failed."""
    failed = 0
    for v in conformance(Registry(plugins), names):
        failed += v.outcome == "failed"
        style = {"passed": "green", "failed": "red", "skipped": "yellow"}[v.outcome]
        console.print(
            f"[{style}]{v.outcome:8}[/]{v.kind} {v.plugin}: {v.check}{' - ' + escape(v.reason) if v.reason else ''}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"{failed} failed" if failed else "all passed", style="red" if failed else "green")
    return int(failed > 0)
