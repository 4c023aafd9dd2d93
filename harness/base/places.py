"""Where the files that come with the harness lie: at the top of a checkout, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def _root() -> Path:
    checkout = PACKAGE.parent
    return checkout if (checkout / "pyproject.toml").is_file() else PACKAGE / "bundled"


ROOT = _root()
"""Holds strategies/, datasets/ and plans/."""
STRATEGIES, DATASETS, PLANS = ROOT / "strategies", ROOT / "datasets", ROOT / "plans"
PRESETS, MODELS = DATASETS / "presets", PACKAGE / "models"


def make_command(target: str, results: Path) -> str:
    """How to call a target of the Makefile for a results folder."""
    return f"make {target}" + ("" if results == Path("results") else f" RESULTS={results}")
