"""Every code block of the documents is run, or read by what reads it in earnest: `RULES` says by what.

A block that no rule covers fails, and so does a rule without a block. A rule that is a sentence says why its block is
not run.
"""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import typer
from markdown_it import MarkdownIt
from support.command_line import multiepoch

from harness.base import seeds
from harness.base.exits import Exit
from harness.base.notice import TELLING
from harness.base.places import PLANS, PRESETS, ROOT
from harness.commands.application.main import app
from harness.data.synthetic.population import TABLES
from harness.data.tabular.schema import Schema
from harness.experiment.plan_file import load_plan, plan_of, read_plan
from harness.plugins.registry import Registry, build

PAGES = [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "results" / "README.md"]
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
FOREIGN = {"createdb", "mlflow", "podman"}
"""Programs that are not ours: PostgreSQL's, one that takes six seconds to start, one that needs a base image."""
QUICK = {"check", "export"}
"""Commands that are run, and not only read: they take a second or two."""
SBATCH = "SBATCH_"
"""Begins variables that sbatch itself reads."""
READING = [*ROOT.glob("harness/**/*.py"), *PLANS.glob("**/*.toml")]
"""What reads other variables of the environment."""
FOLDERS = {"Strategy": "strategies", "Dataset": "datasets", "Model": "models"}
SCHEMA: dict[str, Any] = {"time": "ts", "labels": {"click": "click", "liked": "liked"}, "split": {"by": "row"}}
COLUMNS = {"user": "user_id", "item": "item_id", "home_zip": "home_zip"}
"""What lines of a schema are added to."""


@dataclass(frozen=True)
class Block:
    """before: the text above it."""

    page: str
    line: int
    kind: str
    text: str
    before: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """All of them, those in lists and those that four blanks make among them."""
    lines = text.splitlines(keepends=True)
    for token in MarkdownIt().parse(text):
        if token.type in ("fence", "code_block"):
            first, _ = token.map or (0, 0)
            yield Block(page, first + 1, token.info.strip(), token.content, "".join(lines[:first]))


BLOCKS = [block for page, text in TEXTS.items() for block in blocks_of(page, text)]


def inline() -> set[str]:
    """Commands within sentences."""
    found = set()
    for text in TEXTS.values():
        sentences = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        for code in re.findall(r"`((?:[A-Z]+=\w+ )?(?:multiepoch|make) [^`]+)`", sentences):
            found.add(" ".join(code.split()))
    return found


def accept(line: str) -> list[str]:
    """Its options exist, and so do its target, its plan and the keys that it sets; nothing is run.

    Returns: the arguments, where it is one of ours.
    """
    program, *arguments = shlex.split(re.sub(r"^[A-Z]+=\S+ ", "", line), comments=True)
    match Path(program).name:
        case "multiepoch":
            _accept_ours(list(arguments))
            return arguments
        case "make":
            done = subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        case "export":
            for name in (argument.split("=")[0] for argument in arguments):
                assert name.startswith(SBATCH) or any(name in file.read_text("utf-8") for file in READING), name
        case other:
            assert other in FOREIGN
    return []


def _accept_ours(arguments: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and arguments and not arguments[0].startswith("-"):
        command = command.commands[arguments.pop(0)]
    if not arguments or hasattr(command, "commands") or "--help" in arguments:
        return
    given = command.make_context("multiepoch", arguments).params
    if given.get("overrides") and not given.get("plugins"):
        load_plan(given["plan"], given["overrides"])


def commands(block: Block, folder: Path) -> None:
    """In a folder with the plug-ins that the page shows."""
    for other in BLOCKS:
        if other.page == block.page and rule_of(other) is checked:
            file = folder / "mine" / place_of(other)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(other.text, encoding="utf-8")
    for line in re.sub(r"\\\n\s*", "", block.text).splitlines():
        arguments = accept(line)
        if arguments and arguments[0] in QUICK:
            done = multiepoch(*arguments, cwd=folder)
            assert done.returncode == 0, done.stdout + done.stderr


def place_of(block: Block) -> str:
    """The file of a plug-in, in a folder of them."""
    (kind,) = re.findall(r"^class \w+\((Strategy|Dataset|Model)\):", block.text, re.MULTILINE)
    (name,) = re.findall(r'^    name = "(\w+)"$', block.text, re.MULTILINE)
    return f"{FOLDERS[kind]}/{name}.py"


def checked(block: Block, folder: Path) -> None:
    """By a command of the page, which `commands` runs."""
    checks = re.findall(r"multiepoch check ([\w ]+) --plugins mine$", TEXTS[block.page], re.MULTILINE)
    assert Path(place_of(block)).stem in " ".join(checks).split()


def job(block: Block, folder: Path) -> None:
    """A script for SLURM that bash reads; its signal gives notice, and its status is what a launch then ends with."""
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    (command,) = re.findall(r"^srun (.*)$", block.text, re.MULTILINE)
    accept(command)
    (signal,) = re.findall(r"--signal=(\w+)@", block.text)
    assert f"SIG{signal}" in {each.name for each in TELLING}
    assert f"-eq {Exit.AGAIN:d} " in block.text


def plan(block: Block, folder: Path) -> None:
    """Over that of `smoke`, with its data sets."""
    found = plan_of(read_plan(PLANS / "smoke.toml") | tomllib.loads(block.text), str(block))
    for chosen in found.datasets:
        build(Registry().datasets, "data set", chosen["name"], {key: chosen[key] for key in chosen.keys() - {"name"}})


def preset(block: Block, folder: Path) -> None:
    """Its rows are drawn, in a preset that has the fields which it names."""
    keys, whole = tomllib.loads(block.text), tomllib.loads((PRESETS / "tiny.toml").read_text(encoding="utf-8"))
    whole["fields"]["item"] = {"ids": 500}
    for name, table in (keys if keys.keys() <= {*TABLES} else {"fields": keys}).items():
        whole[name] = whole.get(name, {}) | table
    (folder / "mine.toml").write_text(tomli_w.dumps(whole), encoding="utf-8")
    generator = build(Registry().datasets, "data set", "powerlaw", {"preset": str(folder / "mine.toml")})
    drawn = generator.build(seeds.generator(0, "data"))
    assert {*drawn.fields} == {name for name, field in whole["fields"].items() if not field.get("hidden")}


def schema(block: Block, folder: Path) -> None:
    keys = tomllib.loads(block.text)
    Schema.model_validate(SCHEMA | keys | {"fields": COLUMNS | keys["fields"]})


def replayed(block: Block, folder: Path) -> None:
    """By `test_your_data.py`, which writes the files that are named and runs the commands."""
    assert block.kind == "console" or re.search(r"This is `[\w.]+`:\s*$", block.before)


def recipe(block: Block, folder: Path) -> None:
    """Tried by `test_recipes.py`, which takes all of that chapter."""
    assert re.findall(r"^## (.*)$", block.before, re.MULTILINE)[-1] == "Recipes"


def cell(block: Block, folder: Path) -> None:
    """Run by `python/test_documents.py`, all of the page one after the other."""


def filled(block: Block, folder: Path) -> None:
    """By Sphinx, from what its directives name."""
    directives = re.findall(r"^\.\. auto(module|class):: ([\w.]+)$", block.text, re.MULTILINE)
    assert directives
    for kind, name in directives:
        module, _, attribute = (f"{name}." if kind == "module" else name).rpartition(".")
        found = importlib.import_module(module)
        assert (getattr(found, attribute) if attribute else found).__doc__


Rule = Callable[[Block, Path], None] | str
RULES: dict[str, dict[str, tuple[Rule, ...]]] = {
    "CONTRIBUTING.md": {"": ("a drawing",)},
    "README.md": {"sh": (commands,), "python": (checked,)},
    "docs/engine.md": {"toml": (plan, preset, preset), "": ("a formula",)},
    "docs/index.md": {"sh": (commands,), "python": (cell,)},
    "docs/protocol.md": {"sh": (commands,)},
    "docs/questions.md": {"sh": (commands,)},
    "docs/reference.md": {"{eval-rst}": (filled,)},
    "docs/results.md": {"sh": (commands,)},
    "docs/scale.md": {"sh": (commands,), "text": (job,), "toml": (plan,)},
    "docs/verdict.md": {"sh": (commands,), "text": ("ten minutes, on a log that does not come with the project",)},
    "docs/writing.md": {"sh": (commands,), "python": (checked,)},
    "docs/your-data.md": {"console": (replayed,), "csv": (replayed, recipe), "toml": (replayed, schema, *[recipe] * 8)},
}
"""Page -> kind of block -> one rule for all of them, or one for each in their order."""


def rule_of(block: Block) -> Rule:
    rules = RULES.get(block.page, {}).get(block.kind, ())
    alike = [other for other in BLOCKS if (other.page, other.kind) == (block.page, block.kind)]
    fits = len(rules) == 1 or 1 < len(rules) == len(alike)
    assert fits, f"{block}: {len(alike)} blocks '{block.kind}' have {len(rules)} rules"
    return rules[0] if len(rules) == 1 else rules[alike.index(block)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_run_or_read(block: Block, tmp_path: Path) -> None:
    rule = rule_of(block)
    if isinstance(rule, str):
        pytest.skip(rule)
    rule(block, tmp_path)


def test_every_rule_has_a_block() -> None:
    assert {(page, kind) for page in RULES for kind in RULES[page]} == {(block.page, block.kind) for block in BLOCKS}


def test_a_new_block_needs_a_rule() -> None:
    (block,) = blocks_of("docs/why.md", "- a list\n\n  ~~~ruby\n  puts 1\n  ~~~\n")
    with pytest.raises(AssertionError, match="have 0 rules"):
        rule_of(block)


@pytest.mark.parametrize("line", sorted(inline()))
def test_a_command_within_a_sentence_is_accepted(line: str) -> None:
    accept(line)
