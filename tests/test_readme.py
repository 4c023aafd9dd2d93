"""The README's promises: its strategy works as written, its commands and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.base.places import ROOT
from harness.plugins.registry import Registry
from harness.testing.conformance import conformance

README = (ROOT / "README.md").read_text()


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


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_local_link_of_the_readme_exists(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_strategy_is_in_the_readme() -> None:
    assert set(Registry().strategies) <= set(re.findall(r"^\| `(\w+)`", README, re.MULTILINE))
