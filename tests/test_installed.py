"""A wheel, unpacked in a folder of its own and run from another, has all that a checkout has.

It holds Python alone, so to unpack it is to install it; `make release` has pip do so on every Python there is.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_wheel

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = """
import shlex, sys
from harness.cli import main

for line in sys.stdin:
    sys.argv = ["multiepoch", *shlex.split(line)]
    try:
        main()
    except SystemExit as stop:
        if stop.code:
            raise

import multiepoch

print("in Python:", multiepoch.load("results", "quick").table()["strategy"].to_list())
"""
"""Runs commands, a line each, in one process, as each would take seconds to start."""
OWN_DATA = ("data init ratings.csv", "data describe ratings.csv --schema movielens")
SMALL = (
    "strategies=['none']", "seeds=[1]", "search.trials=0", "train.epochs=1",
    "dataset=[{name='powerlaw',preset='tiny'}]",
)  # fmt: skip


def take_machine_code(site: Path) -> None:
    """Of the checkout, whose sources are the same: to compile it again takes half a minute."""
    for index in ROOT.glob("harness/**/__pycache__/*.nbi"):
        source = index.parent.parent / f"{index.name.split('.')[0]}.py"
        folder = site / index.parent.relative_to(ROOT)
        folder.mkdir(exist_ok=True)
        os.utime(site / source.relative_to(ROOT), ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
        for file in index.parent.glob(f"{index.name.removesuffix('.nbi')}.*"):
            shutil.copy2(file, folder)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What commands print as installed, in an empty folder."""
    wheels, site, elsewhere = (tmp_path_factory.mktemp(name) for name in ("wheels", "site", "elsewhere"))
    with contextlib.chdir(ROOT):
        name = build_wheel(str(wheels))
    with zipfile.ZipFile(wheels / name) as wheel:
        assert {"harness/py.typed", "multiepoch/py.typed"} <= {*wheel.namelist()}
        wheel.extractall(site)
    take_machine_code(site)
    overrides = " ".join(f'--set "{value}"' for value in SMALL)
    rows = [f"{n % 7},{n % 5},{1 + n % 5},{978_300_000 + 60 * n}" for n in range(100)]
    (elsewhere / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]))
    benchmark = f"benchmark quick --no-mlflow --workers 1 {overrides}"
    found = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input="\n".join(["list", "data describe tiny", benchmark, "check freeze_tables", *OWN_DATA]),
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_it_has_every_plugin_and_says_that_it_is_typed(said: str) -> None:
    assert all(re.search(rf"^{name}  ", said, re.MULTILINE) for name in ("frequency_adaptive_lr", "powerlaw", "deepfm"))


def test_presets_plans_and_plugins_are_found_by_bare_name(said: str) -> None:
    assert "checkout" in said
    assert "1 run trained" in said
    assert "passed" in said


def test_it_is_imported(said: str) -> None:
    assert "in Python: ['none', 'one epoch']" in said


def test_a_schema_is_guessed_and_ready_ones_are_found_by_bare_name(said: str) -> None:
    assert "my_schema.toml: read it, correct it" in said
    assert re.search(r"train +80 .*\n +valid +10 .*\n +test +10 ", said)
