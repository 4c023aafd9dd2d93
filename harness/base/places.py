"""Where the files that come with the harness lie: at the top of a checkout, or inside the installed package."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def _root() -> Path:
    checkout = PACKAGE.parent
    return checkout if (checkout / "pyproject.toml").is_file() else PACKAGE / "bundled"


ROOT = _root()
"""Holds strategies/, datasets/ and plans/."""
STRATEGIES, DATASETS, PLANS = ROOT / "strategies", ROOT / "datasets", ROOT / "plans"
PRESETS, MODELS = DATASETS / "presets", PACKAGE / "models"


def module_paths() -> dict[str, str]:
    """The environment in which another Python finds modules where this one does, the current folder not among them."""
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}


def page_command(page: str, results: Path) -> str:
    """The command that serves a page of a results folder; by its path, where the shell would not find it."""
    script, here = Path(sys.executable).with_name("multiepoch"), Path.cwd()
    called = "multiepoch"
    if shutil.which(called) is None and script.is_file():
        called = str(script.relative_to(here) if script.is_relative_to(here) else script)
    return shlex.join([called, page, *([] if results == Path("results") else ["--results", str(results)])])
