"""The promises of README and documents: the strategy works as written, commands and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.base.places import ROOT
from harness.plugins.registry import Registry
from harness.testing.conformance import conformance

README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")])


def test_the_strategy_in_the_readme_conforms(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "tail_freeze.py").write_text(source)
    verdicts = list(conformance(Registry(tmp_path), ["tail_freeze"]))
    assert {v.outcome for v in verdicts} <= {"passed", "skipped"}, verdicts
    assert sum(v.outcome == "passed" for v in verdicts) >= 4
    body = source.split("class ", 1)[1].splitlines()
    assert len([line for line in body if line.strip()]) <= 10


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)", README))))
def test_every_make_target_of_the_readme_exists(target: str) -> None:
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


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
