"""`multiepoch dashboard` as a person runs it."""

from __future__ import annotations

from pathlib import Path

from support.command_line import PROGRAM
from support.servers import free_port, interrupted, serving
from support.studies import arm_of, finish

from harness.base.addresses import Address


def test_it_says_where_it_is_and_ctrl_c_ends_it_in_one_line(tmp_path: Path) -> None:
    finish(arm_of(tmp_path, tmp_path / "results"))
    address = Address("127.0.0.1", free_port())
    command = (*PROGRAM, "dashboard", "--results", str(tmp_path / "results"))
    status, out, errors = interrupted(serving(address.url, *command, "--port", str(address.port)))
    assert out == f"Optuna dashboard of 1 study: {address.url}\nCtrl-C ends it\ndashboard ended\n"
    assert (status, errors) == (0, "")
    address.check_free()
