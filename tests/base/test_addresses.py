"""Where pages are served."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from harness.base.addresses import Address
from harness.base.errors import UserError
from harness.base.places import page_command


def test_a_server_on_this_machine_is_called_by_its_loopback_names() -> None:
    address = Address("127.0.0.1", 8080)
    assert address.url == "http://127.0.0.1:8080"
    assert address.names == ("127.0.0.1:8080", "localhost:8080", "[::1]:8080")


def test_the_host_that_was_asked_for_is_a_name_too() -> None:
    assert "gpu7:8080" in Address("GPU7", 8080).names
    six = Address("fd00::7", 8080)
    assert six.url == "http://[fd00::7]:8080"
    assert "[fd00::7]:8080" in six.names


def test_browsers_leave_out_port_80() -> None:
    assert {"localhost", "localhost:80"} <= set(Address("127.0.0.1", 80).names)


def test_a_port_that_is_taken_is_refused_by_its_number_and_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is taken; choose another with --port"):
            Address("127.0.0.1", port).check_free()
    Address("127.0.0.1", port).check_free()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.invalid", "2001:db8::1"])
def test_a_host_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(UserError, match=rf"--host '{host}', --port 8080: cannot listen there"):
        Address(host, 8080).check_free()


def test_the_command_that_serves_a_page_is_one_that_the_shell_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / ".venv" / "bin" / "multiepoch"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.setenv("PATH", str(script.parent))
    assert page_command("ui", Path("results")) == "multiepoch ui"
    assert page_command("ui", Path("my results")) == "multiepoch ui --results 'my results'"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert page_command("ui", Path("results")) == f"{script} ui"
    monkeypatch.chdir(tmp_path)
    assert page_command("ui", Path("results")) == ".venv/bin/multiepoch ui"
