"""`tools/release.py`: which interpreters it tries. Building and trying takes minutes of each: `make release`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import release


def test_a_python_that_is_named_must_run() -> None:
    ((version, python),) = release.pythons([sys.executable])
    assert (version, python) == (f"Python {sys.version.split()[0]}", sys.executable)
    with pytest.raises(SystemExit, match="--python no-such-python: it does not run"):
        list(release.pythons([sys.executable, "no-such-python"]))


def test_a_name_that_leads_to_none_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.14"
    shim.write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    shim.chmod(0o755)
    (tmp_path / "python3.13").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [python for _, python in release.pythons([])] == ["python3.13"]
