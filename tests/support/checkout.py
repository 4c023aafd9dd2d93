"""A folder as a user's checkout: what is in it is committed, and what git ignores is what the repository ignores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from harness.base.places import ROOT


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, *published: str) -> None:
    """Commit all of a folder. published: files of results/tables that it has, too."""
    shutil.copy(ROOT / ".gitignore", folder)
    (folder / "results" / "tables").mkdir(parents=True)
    for name in published:
        shutil.copy(ROOT / "results" / "tables" / name, folder / "results" / "tables")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "all")


def changed(folder: Path) -> list[str]:
    return git(folder, "status", "--porcelain").splitlines()
