"""The container file: what it copies is enough to build the wheel. Building it takes a network and a base image:
`buildah bud --isolation chroot --file Containerfile .` does it without a daemon."""

from __future__ import annotations

import re
import tomllib

from harness.base.places import ROOT


def test_what_is_copied_holds_all_that_the_wheel_is_built_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", "LICENSE", project["project"]["readme"], *wheel["packages"], *wheel["force-include"]}
    needed |= set(re.findall(r"--constraint /src/(\S+)", (ROOT / "Containerfile").read_text()))
    everything, *kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] != "#"]
    assert everything == "*"
    assert {line[1:] for line in kept if line[0] == "!"} == needed
    assert all((ROOT / name).exists() for name in needed)
