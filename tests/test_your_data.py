"""docs/your-data.md is what happens: its files are written, its commands run, and what they print stands there.

A line `...` stands for lines that are left out. `DOCS=write python -m pytest tests/test_your_data.py` writes anew what
has changed.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from support.command_line import multiepoch
from support.plans import Inline

from harness.base.places import ROOT
from harness.execution.launchers import choice
from harness.execution.run_job import JobRunner

PAGE = ROOT / "docs" / "your-data.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
OF_THIS_MACHINE = re.compile(r"^(MLflow|Optuna dashboard) .*\n", re.MULTILINE)
"""Lines that name paths."""


def output(command: str, folder: Path) -> str:
    program, *arguments = shlex.split(command)
    if program != "multiepoch":
        return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True).stdout
    done = multiepoch(*arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def replayed(text: str, folder: Path) -> str:
    """The page with what its commands print now."""
    parts, end = [], 0
    for block in BLOCK.finditer(text):
        parts.append(text[end : block.start(2)])
        end = block.end(2)
        named = re.search(r"This is `([\w.]+)`:\s*$", text[: block.start()])
        if block[1] == "console":
            for command, before in COMMAND.findall(block[2]):
                now = plain(output(command, folder))
                parts.append(f"$ {command}\n{before if fits(before, now) else now}")
            continue
        if named is not None:
            (folder / named[1]).write_text(block[2])
        parts.append(block[2])
    return "".join([*parts, text[end:]])


def fits(shown: str, printed: str) -> bool:
    """Whether the page shows what is printed, but for what it leaves out."""
    pattern = re.escape(shown).replace(re.escape("\n...\n"), r"\n(?:.*\n)+")
    return re.fullmatch(pattern, printed) is not None


def plain(printed: str) -> str:
    shown = OF_THIS_MACHINE.sub("", printed)
    return "".join(f"{line.rstrip()}\n" for line in shown.rstrip().splitlines())


def test_the_page_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the process of the test, as workers of their own take seconds to start."""
    monkeypatch.setattr(choice, "LocalPool", lambda workers, plugins, results: Inline(JobRunner(results, plugins)))
    text = PAGE.read_text()
    found = replayed(text, tmp_path)
    if os.environ.get("DOCS") == "write":
        PAGE.write_text(found)
        return
    assert found.splitlines() == text.splitlines()
