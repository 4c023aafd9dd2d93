"""`multiepoch check`: which plug-ins do what the harness relies on."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.plugins.registry import Registry
from harness.testing.conformance import conformance


def print_conformance(console: Console, names: list[str], plugins: Path | None) -> int:
    """Run the checks; the exit status is 1 if one failed."""
    failed = 0
    for v in conformance(Registry(plugins), names):
        failed += v.outcome == "failed"
        style = {"passed": "green", "failed": "red", "skipped": "yellow"}[v.outcome]
        console.print(
            f"[{style}]{v.outcome:8}[/]{v.kind} {v.plugin}: {v.check}{' - ' + v.reason if v.reason else ''}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"{failed} failed" if failed else "all passed", style="red" if failed else "green")
    return int(failed > 0)
