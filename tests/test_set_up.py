"""What `make` sets up first: on a project of a few lines, with the installer and the network that are there."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools import set_up

ROOT = Path(__file__).resolve().parent.parent
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("tiny.py", "SAID = 'here'")
        metadata = "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\nProvides-Extra: dev"
        wheel.writestr("tiny-1.0.dist-info/METADATA", metadata)
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return name
"""
PROJECT = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
PIP_SAYS = """Collecting torch<2.14
  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl.metadata (31 kB)
Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (174.2 MB)
Using cached numpy-2.4.6-cp311-cp311-linux_x86_64.whl (16.9 MB)
Processing ./wheels/scipy-1.17.1-cp311-cp311-linux_x86_64.whl
Installing collected packages: numpy, scipy, torch
"""
UV_SAYS = """Resolved 3 packages in 120ms
Downloading torch (174.2MiB)
 Downloaded torch
Installed 3 packages in 210ms
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "set_up.py", folder / "tools")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "requirements.lock").write_text("")
    return folder


@pytest.fixture
def project(folder: Path) -> Path:
    """Not set up; its environment may be there, as making one takes ten seconds."""
    (folder / ".venv" / "installed").unlink(missing_ok=True)
    return folder


def start(project: Path, path: str = "", args: str = "--no-index") -> subprocess.Popen[str]:
    command = [sys.executable, str(project / "tools" / "set_up.py"), f"--args={args}"]
    environment = os.environ | {"PATH": path or str(project / "none")}
    return subprocess.Popen(command, text=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run(project: Path, path: str = "", args: str = "--no-index") -> tuple[int, str]:
    """The exit status, and what was said."""
    said, _ = (process := start(project, path, args)).communicate()
    return process.returncode, said


def test_two_at_once_set_up_once_and_the_next_finds_it_done(project: Path) -> None:
    both = [start(project), start(project)]
    said = sorted((process.communicate()[0] for process in both), key=len)
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0] == "another command is setting up .venv; waiting for it\n"
    assert "1 packages, 0 MB downloaded" in said[1]
    python = project / ".venv" / "bin" / "python"
    assert subprocess.check_output([python, "-c", "import tiny; print(tiny.SAID)"], text=True) == "here\n"
    assert run(project) == (0, "")
    os.utime(project / ".venv" / "installed", (0, 0))
    assert "set up in" in run(project)[1]


def test_a_failure_says_what_failed_and_is_not_taken_for_done(project: Path) -> None:
    status, said = run(project, args="--no-index no-such-package")
    assert status == 1
    assert "no-such-package" in said
    assert ".venv/set-up.log" in said
    assert run(project)[0] == 0


def test_pip_takes_over_where_uv_fails(project: Path) -> None:
    fake = project / "bin" / "uv"
    fake.parent.mkdir(exist_ok=True)
    fake.write_text("#!/bin/sh\necho no such index\nexit 2\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    status, said = run(project, path=str(fake.parent))
    assert status == 0
    assert said.index("no such index") < said.index("trying pip instead") < said.index("set up in")


@pytest.mark.parametrize(("said", "megabytes"), [(PIP_SAYS, 174.231), (UV_SAYS, 174.2)])
def test_an_account_of_what_an_installer_says(said: str, megabytes: float) -> None:
    account = set_up.Account()
    doing = [account.read(line) for line in said.splitlines()]
    assert account.packages == 3
    assert account.downloaded == pytest.approx(megabytes * 1e6)
    assert any(words.startswith("fetching torch") for words in doing)


class _Index(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200 if self.path == "/whl/torch/" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_an_index_that_is_away_or_silent_is_not_waited_for() -> None:
    with HTTPServer(("127.0.0.1", 0), _Index) as server, socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}"
        assert set_up.answers(f"{at}/whl")
        assert not set_up.answers(f"{at}/elsewhere")
        assert not set_up.answers(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
        server.shutdown()
    assert not set_up.answers(at)


def test_torch_for_a_cpu_is_asked_for_only_where_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    def arguments(card: bool, answers: bool, asked: list[str], uv: bool = False, system: str = "Linux") -> list[str]:
        monkeypatch.setattr(set_up, "has_nvidia_card", lambda: card)
        monkeypatch.setattr(set_up, "answers", lambda _: answers)
        monkeypatch.setattr("platform.system", lambda: system)
        return set_up.torch_arguments(asked, uv)

    assert arguments(card=False, answers=True, asked=[]) == ["--extra-index-url", set_up.CPU_INDEX]
    assert arguments(card=False, answers=True, asked=[], uv=True) == ["--torch-backend", "cpu"]
    assert arguments(card=True, answers=True, asked=[]) == []
    assert arguments(card=False, answers=False, asked=[]) == []
    assert arguments(card=False, answers=True, asked=["--index-url", "https://example.org"]) == []
    assert arguments(card=False, answers=True, asked=[], system="Darwin") == []
