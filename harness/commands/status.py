"""`multiepoch status`: how far the plans of a results folder are."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.base.durations import told
from harness.base.terminal import print_plain
from harness.results.status import PlanStatus, statuses

MOST = 10
"""Lines of running and of failed runs that are shown; `--json` has all."""


def print_status(console: Console, results: Path, names: list[str] | None, as_json: bool) -> None:
    found = statuses(results, names)
    if as_json:
        print(json.dumps([asdict(status) for status in found], indent=1))
        return
    console.print(_plans(found))
    running = [
        f"  {run.name}  {run.at or 'starting'}  on {run.host}, by {run.owner}, since {_clock(run.since)}"
        for status in found
        for run in status.running
    ]
    failed = [f"  {status.plan}: {name}: {why}" for status in found for name, why in status.failed.items()]
    problems = [f"  {status.problem}" for status in found if status.problem]
    for title, lines in (("running", running), ("failed", failed), ("not readable", problems)):
        if lines:
            more = [f"  and {len(lines) - MOST} more; --json has all"] if len(lines) > MOST else []
            print_plain(console, "\n".join([title, *lines[:MOST], *more]))


def _plans(found: list[PlanStatus]) -> Table:
    table = Table("plan", "state", box=None, header_style="dim")
    for name in ("done", "running", "queued", "failed", "time left"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("last launch")
    for status in found:
        counts = (f"{status.done}/{status.runs}", *map(str, (len(status.running), status.queued, len(status.failed))))
        begun = "" if status.begun is None else f"{status.owner} on {status.host}, {_clock(status.begun)}"
        table.add_row(status.plan, status.state, *counts, _left(status.left_s), begun)
    return table


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"about {told(seconds)}" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def _clock(seconds: float) -> str:
    """A moment, with its day if that is not today."""
    at = time.localtime(seconds)
    return time.strftime("%H:%M" if at[:3] == time.localtime()[:3] else "%Y-%m-%d %H:%M", at)
