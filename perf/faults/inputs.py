"""Bad inputs given to the command line: what each must get is one line, before anything trains."""

from __future__ import annotations

import shlex
import traceback
from dataclasses import dataclass
from pathlib import Path

from harness.base.places import ROOT
from perf.faults.cases import PLAN, STRATEGY, BadInput
from perf.faults.command import multiepoch


@dataclass(frozen=True)
class Answer:
    """What a bad input got. problem: why that is not right; empty: it is."""

    line: str
    problem: str


def tried(bad: BadInput, folder: Path) -> Answer:
    """Give a bad input to the command line in a new folder."""
    files = {"plan.toml": PLAN, "plug/strategies/mine.py": STRATEGY} | bad.files
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        found = multiepoch(*shlex.split(bad.command), cwd=folder)
    except Exception:
        return Answer("", f"a traceback: {traceback.format_exc(limit=-1)}")
    line = found.stderr.removesuffix("\n").replace(f"{folder.resolve()}/", "").replace(f"{ROOT}/", "")
    right = {
        f"exit status {found.returncode} instead of 2": found.returncode == 2,
        f"{found.stderr.count(chr(10))} lines instead of one": line.isprintable() and line.startswith("multiepoch: "),
        f"{len(line)} letters": len(line) < 1100,
        f"not {bad.says!r}": bad.says in line,
        "it trained": not list(folder.glob("results/runs/*")),
    }
    return Answer(line, "; ".join(problem for problem, holds in right.items() if not holds))
