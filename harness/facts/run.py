"""`multiepoch facts`: run what is missing of the facts, and write their page."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.base.locks import waited
from harness.base.terminal import print_plain
from harness.execution.launchers.where import Where
from harness.execution.progress import failures
from harness.execution.run_plan import checked, run_plan
from harness.experiment.plan_file import plan_file
from harness.facts import page
from harness.facts.sheet import Fact, Sheet, load_sheet
from harness.facts.verdict import Finding, finding, findings
from harness.plugins.registry import Registry
from harness.report.format import show
from harness.results.plan_results import TABLES


def run_facts(
    console: Console, sheet_name: str, names: list[str], results: Path, where: Where, plugins: Path | None
) -> int:
    """Run the facts named, or all, print what they come to and write their page and its figures in `report/`.

    A fact whose data needs an environment variable that is not set is left out, and that is said. The exit status is 1
    if a run failed; what the facts come to is a finding, not a failure.
    """
    sheet, registry = load_sheet(plan_file(sheet_name)), Registry(plugins)
    out = results / TABLES
    out.mkdir(parents=True, exist_ok=True)
    failed, read = 0, dict[str, Finding]()
    for fact in sheet.select(names):
        console.print(f"[bold]{fact.name}[/] {fact.says}", highlight=False, soft_wrap=True)
        if unset := _unset(sheet, fact):
            console.print(f"left out, as {unset} is not set\n", style="yellow", highlight=False)
            continue
        began = time.monotonic()
        failed += _run(console, sheet, fact, results, where, registry)
        if found := finding(sheet, fact, results):
            read[fact.name] = found
            (out / f"{sheet.stem}-{fact.name}.svg").write_text(page.figure(found), encoding="utf-8")
            console.print(_claims(found), f"{time.monotonic() - began:.0f} s\n")
    written = out / f"{sheet.stem}.md"
    with waited(results, "report"):
        found_all = findings(sheet, results, read)
        written.write_text(page.markdown(sheet, found_all), encoding="utf-8")
    console.print(_verdicts(found_all))
    print_plain(console, f"facts: {written}")
    return int(failed > 0)


def _run(console: Console, sheet: Sheet, fact: Fact, results: Path, where: Where, registry: Registry) -> int:
    """Train what is missing of one fact; 1 if a run failed."""
    plan = sheet.plan(fact)
    arms = checked(console, plan, registry, results, where)
    _, display, _ = run_plan(console, plan, arms, results, where, "none")
    return failures(console, display)


def _claims(found: Finding) -> Table:
    table = Table("claim", "holds if", "here", box=None, header_style="dim")
    for measured in found.measured:
        table.add_row(measured.claim.says, measured.claim.holds, show(measured.value, 4))
    return table


def _verdicts(found: Mapping[str, Finding]) -> Table:
    table = Table("fact", "says", "verdict", box=None, header_style="dim")
    for name, each in found.items():
        table.add_row(name, each.fact.says, f"{each.verdict} ({each.of_claims})")
    return table


def _unset(sheet: Sheet, fact: Fact) -> str:
    """The first environment variable that the fact's data names and that is not set."""
    texts = (value for label in fact.datasets for value in sheet.datasets.get(label, {}).values())
    named = (match[1] for text in texts if isinstance(text, str) for match in re.finditer(r"\$\{?(\w+)", text))
    return next((variable for variable in named if variable not in os.environ), "")
