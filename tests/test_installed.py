"""A wheel, installed in a folder of its own and run from another, has all that a checkout has."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
Command = Callable[..., subprocess.CompletedProcess[str]]
SMALL = (
    "strategies=['none']", "seeds=[1]", "search.trials=0", "train.epochs=1",
    "dataset=[{name='powerlaw',preset='tiny'}]",
)  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs `multiepoch` as installed, in an empty folder."""
    wheels, site, elsewhere = (tmp_path_factory.mktemp(name) for name in ("wheels", "site", "elsewhere"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(ROOT)], check=True)
    (wheel,) = wheels.glob("*.whl")
    assert "harness/py.typed" in zipfile.ZipFile(wheel).namelist()
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "harness.cli", *arguments]
        env = os.environ | {"PYTHONPATH": str(site)}
        found = subprocess.run(command, cwd=elsewhere, env=env, capture_output=True, text=True)
        assert found.returncode == 0, found.stderr
        return found

    return run


def test_it_has_every_plugin_and_says_that_it_is_typed(installed: Command) -> None:
    shown = installed("list").stdout
    assert all(f" {name}  " in shown for name in ("frequency_adaptive_lr", "powerlaw", "deepfm"))


def test_presets_plans_and_plugins_are_found_by_bare_name(installed: Command) -> None:
    assert "checkout" in installed("data", "describe", "tiny").stdout
    overrides = [word for value in SMALL for word in ("--set", value)]
    assert "1 runs trained" in installed("benchmark", "quick", "--no-mlflow", "--workers", "1", *overrides).stdout
    assert "passed" in installed("check", "freeze_tables").stdout
