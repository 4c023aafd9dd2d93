"""What the help of commands says of their options and exit statuses."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_line import multiepoch
from support.plans import PLAN
from typer.main import get_command

from harness.base.exits import Exit
from harness.base.places import ROOT
from harness.commands.application.main import app


def commands(command: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by the words that call it."""
    command = get_command(app) if command is None else command
    inner = getattr(command, "commands", {})
    if not inner:
        yield path, command
    for name, each in inner.items():
        yield from commands(each, f"{path} {name}".strip())


COMMANDS = dict(commands())


def told(words: str) -> dict[int, str]:
    """Exit status -> what the help says of it, as it is printed."""
    done = multiepoch(*words.split(), "--help", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    _, _, listed = done.stdout.partition("Exit status:")
    return {int(status): what for status, what in re.findall(r"^ *(\d+): (.*?)[;.]? *$", listed, re.MULTILINE)}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_that_returns_a_status_lists_what_it_may_end_with(words: str) -> None:
    returns = "typer.Exit" in inspect.getsource(COMMANDS[words].callback)
    listed = set(told(words))
    assert listed == (({*Exit} - (set() if words == "diagnose" else {Exit.CANNOT_TELL})) if returns else set())


def test_the_help_of_all_lists_every_status_and_leads_on() -> None:
    listed = told("")
    assert set(listed) == {*Exit}
    assert "the help of commands that end so" in listed[Exit.FAILED]


def test_the_statuses_of_a_verdict_are_those_of_its_document() -> None:
    table = (ROOT / "docs" / "verdict.md").read_text().split("| exit status |")[1].split("\n\n")[0]
    documented = {
        int(status) for line in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for status in line.split(",")
    }
    assert documented == set(told("diagnose"))


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_and_argument_is_explained(words: str) -> None:
    bare = [each.name for each in COMMANDS[words].params if not getattr(each, "help", None)]
    assert not bare


def test_an_option_of_one_name_is_explained_alike_where_it_is_the_same() -> None:
    """One that is not has reasons: `--out` names another thing each time."""
    own = {"--out", "--by", "--seed", "--rows", "--results", "--schema", "--workers", "-j"}
    said: dict[str, set[str]] = {}
    for command in COMMANDS.values():
        for each in command.params:
            if each.param_type_name == "option":
                for name in each.opts:
                    said.setdefault(name, set()).add(each.help)
    assert {name for name, helps in said.items() if len(helps) > 1} == own


@pytest.mark.parametrize("option", ["--results", "--out"])
def test_a_verdict_goes_to_the_folder_of_either_name(tmp_path: Path, option: str) -> None:
    rows = "\n".join(f"{i},{i % 7},{i % 2}" for i in range(400))
    (tmp_path / "log.csv").write_text(f"user,item,click\n{rows}\n")
    done = multiepoch("diagnose", "log.csv", "--budget", "11s", option, "mine", "--no-mlflow", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert (tmp_path / "mine" / "schema.toml").exists()
    assert not (tmp_path / "diagnosis").exists()


def test_epochs_and_rows_are_given_alike_to_every_command_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(PLAN)
    done = multiepoch(
        "run", "none", "--plan", "my.toml", "--epochs", "1", "--rows", "3000", "--no-mlflow", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (spec,) = (tmp_path / "results" / "runs").glob("*/spec.json")
    assert '"epochs": 1' in spec.read_text()
    assert '"rows": 3000' in spec.read_text()
    assert {"--epochs", "--rows"} <= {name for each in COMMANDS["tune"].params for name in each.opts}


@pytest.mark.parametrize(
    "command",
    [
        ("data", "random", "--rows", "50000"),
        ("data", "match", "tiny"),
        ("data", "init", "log.csv"),
        ("export", "reinit", "--to", "torch"),
    ],
)
def test_what_a_person_may_have_edited_is_not_written_over(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "log.csv").write_text("user,click\n1,0\n2,1\n1,1\n")
    (tmp_path / "mine.toml").write_text("edited by hand\n")
    done = multiepoch(*command, "--out", "mine.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--out 'mine.toml' exists; accepted: a file that does not, or --force to write over it" in done.stderr
    assert (tmp_path / "mine.toml").read_text() == "edited by hand\n"
    assert any("--force" in each.opts for each in COMMANDS[" ".join(command[: 1 + (command[0] == "data")])].params)


def test_force_writes_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("edited by hand\n")
    command = ("data", "random", "--rows", "50000", "--out", "mine.toml", "--force")
    assert multiepoch(*command, cwd=tmp_path).returncode == 0
    assert "edited" not in (tmp_path / "mine.toml").read_text()
