"""docs/writing.md on exported strategies, and its example: the table says what is so, and the example trains."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import multiepoch

from harness.api import UserError
from harness.base.places import ROOT
from harness.experiment.specs import TrainSpec
from harness.export.exported import exported
from harness.plugins.registry import Registry

PAGE = (ROOT / "docs" / "writing.md").read_text().split("## In training code of your own")[1]
EXAMPLE = ROOT / "docs" / "examples" / "plain_torch.py"


def test_the_table_has_every_strategy_and_says_which_is_exported() -> None:
    lines = re.findall(r"^\| (`.*?) \| (.*?) \| .*? \|$", PAGE, re.MULTILINE)
    said = {name: text != "no" for names, text in lines for name in re.findall(r"`(\w+)`", names)}
    registry = Registry()
    assert said.keys() == registry.strategies.keys()
    for name, is_exported in said.items():
        if is_exported:
            exported(name, TrainSpec(), registry)
        else:
            with pytest.raises(UserError):
                exported(name, TrainSpec(), registry)


def test_the_example_trains_with_the_file_that_its_command_writes(tmp_path: Path) -> None:
    (command,) = re.findall(r"multiepoch (export .*?\.py)\n", EXAMPLE.read_text().replace("\\\\\n", ""), re.DOTALL)
    assert multiepoch(*shlex.split(command), cwd=tmp_path).returncode == 0
    shutil.copy(EXAMPLE, tmp_path)
    run = [sys.executable, "-W", "error", EXAMPLE.name]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, env={"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    losses = [float(loss) for loss in re.findall(r"epoch \d: test logloss ([\d.]+)", done.stdout)]
    assert len(losses) == 3
    assert losses[-1] < losses[0] < 0.68
