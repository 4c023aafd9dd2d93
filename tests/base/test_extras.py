"""Messages name extras that there are."""

from __future__ import annotations

import re
import tomllib

from harness.base.extras import installing
from harness.base.places import ROOT
from harness.execution.launchers.choice import PACKAGE


def test_an_extra_that_a_message_names_is_one_of_the_package() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "harness").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"installing\([\"'](\w+)[\"']\)", text)}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert named | set(map(str, PACKAGE)) <= extras.keys()
    assert len(named) > 1
    assert installing("ray") == "pip install '.[ray]' in a clone of multiepoch"
