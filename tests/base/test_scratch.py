"""Temporary folders: gone with their process, those of killed ones with the next, and never one that is in use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.base import scratch
from harness.base.scratch import Scratch

KILLED = """
import os
from harness.base.scratch import Scratch
own = Scratch()
print(own.name, flush=True)
os.kill(os.getpid(), 9)
"""
"""A process that ends without another word."""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed(temporary: Path) -> Path:
    environment = os.environ | {"TMPDIR": str(temporary)}
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return Path(done.stdout.strip())


def test_what_a_killed_process_left_goes_with_the_next_one(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = killed(temporary)
    (left / "rows").write_text("many")
    with Scratch():
        assert left.exists(), "it is too young to tell"
    monkeypatch.setattr(scratch, "YOUNG", 0.0)
    with Scratch() as name:
        assert not left.exists()
        with Scratch() as other:
            assert Path(name).exists()
            assert name != other
    assert not list(temporary.iterdir())


def test_folders_of_others_stay(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as have no lock, or are a link to where somebody else's is."""
    monkeypatch.setattr(scratch, "YOUNG", 0.0)
    (temporary / "multiepoch-own").mkdir()
    (mine := temporary / "mine").mkdir()
    (mine / scratch.LOCK).touch()
    (temporary / "multiepoch-link").symlink_to(mine)
    with Scratch():
        pass
    assert {path.name for path in temporary.iterdir()} == {"multiepoch-own", "mine", "multiepoch-link"}
    assert (mine / scratch.LOCK).exists()
