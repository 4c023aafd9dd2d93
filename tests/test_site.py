"""The documents as a site: its links lead somewhere, and its code blocks are so.

What a page shows is run here, or by the test of that page: docs/index.md in `python/test_documents.py`,
docs/your-data.md in `test_your_data.py`, where `console` is replayed with its output, and in `test_recipes.py`.
`make docs` builds the site.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import ValidationError

from harness.api import UserError
from harness.base.config import Config
from harness.base.places import PLANS, ROOT
from harness.commands.application.main import app
from harness.data.synthetic.fields import FieldSpec
from harness.data.synthetic.kinds import ListSpec, NumberSpec, SequenceSpec
from harness.data.tabular.schema import Schema
from harness.experiment.plan_file import load_plan, plan_of, read_plan
from harness.plugins.registry import Registry
from harness.testing.conformance import conformance

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "results" / "README.md"])
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
BLOCK = re.compile(r"^```(\S*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
KINDS = {"sh", "toml", "text", "{eval-rst}"}
"""Commands, which are parsed here, keys, which are read here, the shape of something, and what Sphinx fills in."""
RUN = {"index.md": {"python"}, "your-data.md": {"csv", "console"}, "writing.md": {"python"}, "README.md": {"python"}}
"""What else pages show, all of which a test runs."""
FOREIGN = {"make", "export", "createdb", "mlflow", "podman"}
"""Programs that are not ours."""
KINDS_OF_A_PRESET: dict[str, type[Config]] = {"numbers": NumberSpec, "lists": ListSpec, "sequences": SequenceSpec}
FIELDS = {"user": "user_id", "item": "item_id", "home_zip": "home_zip"}
(STRATEGY,) = re.findall(r"^```python\n(.*?)^```", TEXTS[ROOT / "README.md"], re.DOTALL | re.MULTILINE)
"""Which `test_readme.py` tries."""
SCHEMA: dict[str, Any] = {"time": "ts", "labels": {"click": "click", "liked": "liked"}, "split": {"by": "row"}}
"""What lines of a schema are added to."""


def blocks(kind: str) -> Iterator[tuple[Path, str]]:
    return ((page, text) for page, whole in TEXTS.items() for found, text in BLOCK.findall(whole) if found == kind)


def anchors(text: str) -> set[str]:
    """Of the headings of a page, as a code host names them."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands() -> Iterator[str]:
    """All that begin with `multiepoch`, in blocks and within sentences."""
    for _, text in blocks("sh"):
        yield from re.sub(r"\\\n\s*", "", text).splitlines()
    for text in TEXTS.values():
        for code in re.findall(r"`(multiepoch [^`]+)`", BLOCK.sub("", text)):
            yield " ".join(code.split())


def test_there_are_twelve_pages_and_the_menu_has_them() -> None:
    menu = re.findall(r"^PAGES = \((.*?)\)", (DOCS / "conf.py").read_text(), re.DOTALL | re.MULTILINE)
    names = ["index", *re.findall(r'"([\w-]+)"', menu[0])]
    assert sorted(names) == sorted(page.stem for page in DOCS.glob("*.md"))
    assert len(names) <= 12


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", TEXTS[page]):
        if "://" not in target and (not target or target.endswith(".md")):
            there = page if not target else (page.parent / target).resolve()
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_what_it_is_and_is_tried(page: Path) -> None:
    if page.name == "CONTRIBUTING.md":
        pytest.skip("its block is a drawing")
    assert {kind for kind, _ in BLOCK.findall(TEXTS[page])} <= KINDS | RUN.get(page.name, set())


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_every_command_is_accepted(line: str) -> None:
    """Its options exist, and so do its plan and the keys that it sets; nothing is run."""
    program, *arguments = shlex.split(line, comments=True)
    if Path(program).name in FOREIGN:
        return
    assert Path(program).name == "multiepoch"
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and arguments and not arguments[0].startswith("-"):
        command = command.commands[arguments.pop(0)]
    if not arguments or hasattr(command, "commands") or "--help" in arguments:
        return
    given = command.make_context(program, arguments).params
    if given.get("overrides") and not given.get("plugins"):
        load_plan(given["plan"], given["overrides"])


def as_plan(keys: dict[str, Any]) -> None:
    plan_of(read_plan(PLANS / "smoke.toml") | keys, "page")


def as_schema(keys: dict[str, Any]) -> None:
    fields = keys.get("fields", {})
    Schema.model_validate(SCHEMA | keys | {"fields": FIELDS | fields if isinstance(fields, dict) else fields})


def as_preset(keys: dict[str, Any]) -> None:
    """Fields, and tables of further kinds."""
    for name, value in keys.items():
        for entry in value.values() if name in KINDS_OF_A_PRESET else [value]:
            KINDS_OF_A_PRESET.get(name, FieldSpec).model_validate(entry)


@pytest.mark.parametrize(("page", "text"), list(blocks("toml")), ids=lambda value: getattr(value, "stem", ""))
def test_every_key_is_accepted(page: Path, text: str) -> None:
    """Of a plan, a schema or a preset."""
    readers: tuple[Callable[[dict[str, Any]], None], ...] = (as_plan, as_schema, as_preset)
    refused = []
    for read in readers:
        try:
            read(tomllib.loads(text))
        except (UserError, ValidationError) as error:
            refused.append(f"{read.__name__}: {error}")
    assert len(refused) < len(readers), "\n".join(refused)


def test_the_plug_ins_that_are_shown_conform(tmp_path: Path) -> None:
    names = []
    for page, source in blocks("python"):
        if page.name == "writing.md" and source != STRATEGY:
            (kind,) = re.findall(r"\((Dataset|Model)\):", source)
            (name,) = re.findall(r'    name = "(\w+)"', source)
            folder = tmp_path / {"Dataset": "datasets", "Model": "models"}[kind]
            folder.mkdir()
            (folder / f"{name}.py").write_text(source)
            names.append(name)
    verdicts = list(conformance(Registry(tmp_path), names))
    assert {each.plugin for each in verdicts} == {"few_clicks", "two_towers"}
    assert {each.outcome for each in verdicts} <= {"passed", "skipped"}, verdicts
