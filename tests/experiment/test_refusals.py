"""Plans that would fail late, or mislead, are refused when they are read."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from harness.base.errors import UserError
from harness.base.places import ROOT
from harness.experiment.composition import parse
from harness.experiment.plan_file import RESERVED, load_plan, plan_file

PLAN = """
strategies = ["none"]
seeds = [1]
[[dataset]]
name = "powerlaw"
[[model]]
name = "dnn"
"""


def write(folder: Path, text: str = PLAN, name: str = "mine.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('[[dataset]]\nname = "powerlaw"\n', "is listed twice"),
        ('[[dataset]]\nname = "powerlaw"\nlabel = "other"\n', "is listed twice"),
        ('[[model]]\nname = "dnn"\nlabel = "net"\n', "is listed twice"),
        (
            '[[dataset]]\nname = "powerlaw"\nrows = 5000\n'
            '[[dataset]]\nname = "powerlaw"\nrows = 6000\nlabel = "powerlaw-1"\n',
            "label 'powerlaw-1' would stand for two of them",
        ),
        ("[train]\nthreads = 100000\n", "less than or equal to 1024"),
        ("[train]\nseeds_at_once = 0\n", "greater than or equal to 1"),
        ("[train]\nseeds_at_once = 65\n", "less than or equal to 64"),
        ("[train]\nepochs = 1000000\n", "less than or equal to 10000"),
        ("[train]\nbatch_size = 1000000000000\n", "less than or equal to"),
        ("[search]\ntrials = 10000000\n", "less than or equal to"),
        ('[search]\nmetric = "calibration"\n', "unknown metric 'calibration'"),
        ('[search]\nselect = "best_epok"\n', "did you mean 'best_epoch'"),
        ('[train]\ndevice = "cudaa"\n', "device"),
    ],
)
def test_what_would_fail_late_is_refused(tmp_path: Path, extra: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        load_plan(write(tmp_path, PLAN + extra))
    assert "\n" not in str(refused.value)


def test_every_table_of_another_command_is_reserved() -> None:
    sources = [*(ROOT / "perf").rglob("*.py"), *(ROOT / "harness" / "facts").glob("*.py")]
    written = {name for path in sources for name in re.findall(r"(?<![\w-])(?<!docs/)(\w+)\.md\b", path.read_text())}
    assert {"statistics", "facts"} <= written <= {*RESERVED}


@pytest.mark.parametrize(
    "table", ["generator", "facts", "facts-F3", "throughput", "statistics", "leaks", "faults", "bad_inputs"]
)
def test_a_table_that_another_command_writes_is_refused(tmp_path: Path, table: str) -> None:
    for plan in (write(tmp_path, f'table = "{table}"\n{PLAN}'), write(tmp_path, PLAN, f"{table}.toml")):
        with pytest.raises(UserError, match=f"another command writes table '{table}'"):
            load_plan(plan)


def test_a_name_too_long_for_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name = 'xxx"):
        load_plan(write(tmp_path, f'name = "{"x" * 300}"\n{PLAN}'))


def test_a_strategy_of_thousands_of_parts_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"is too long; accepted: at most 20 parts"):
        parse("+".join(["none"] * 5000), "argument")


def test_what_is_no_file_is_no_plan(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    for name, kind in (("pipe.toml", "no regular file"), ("loop.toml", "a link that leads nowhere"), (".", "a folder")):
        with pytest.raises(UserError, match=f"is {kind}; accepted: a TOML file"):
            plan_file(tmp_path / name)
