"""The promises of README and documents: they are short, links exist, and every plug-in has its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.base.places import ROOT
from harness.plugins.registry import Registry

README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")])


def test_the_strategy_in_the_readme_has_ten_lines() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    body = source.split("class ", 1)[1].splitlines()
    assert len([line for line in body if line.strip()]) <= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_local_link_of_a_page_exists(page: Path) -> None:
    links = {link for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()) if "://" not in link}
    assert {link for link in links if not (page.parent / link).exists()} == set()


def test_every_strategy_and_model_has_its_line() -> None:
    text, registry = (ROOT / "docs" / "writing.md").read_text(), Registry()
    assert set(registry.strategies) <= set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    assert all(f"`{name}`" in text for name in registry.models)


def test_the_readme_is_a_screen_and_a_half() -> None:
    shown = re.sub(r"<!--.*?-->", "", README, flags=re.DOTALL)
    assert len(shown.split()) < 750
