"""The documents as a site: its pages are in the menu, and links to headings lead somewhere.

`make docs` builds it; its code blocks are tried in `test_blocks.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.base.places import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "results" / "README.md"])
BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Of the headings of a page, as a code host names them."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_twelve_pages_and_the_menu_has_them() -> None:
    menu = re.findall(r"^PAGES = \((.*?)\)", (DOCS / "conf.py").read_text(), re.DOTALL | re.MULTILINE)
    names = ["index", *re.findall(r'"([\w-]+)"', menu[0])]
    assert sorted(names) == sorted(page.stem for page in DOCS.glob("*.md"))
    assert len(names) <= 12


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and (not target or target.endswith(".md")):
            there = page if not target else (page.parent / target).resolve()
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{target}#{anchor}"
