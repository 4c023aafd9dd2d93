"""Whatever a path is, what is wrong with it is said in one line; and no file of a folder is left out in silence."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.api import UserError
from harness.data.tabular.files import data_files, one_file

ENDLESS = "a" * 5000
PATHS = st.text(st.characters(exclude_characters="\r\n"), max_size=12) | st.lists(
    st.sampled_from(["log.csv", "/", "*", "?", "[", "]", "**", "..", "~", "$HOME", "\0", "x.csv", " ", ENDLESS, "é"])
).map("".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS)
@example(ENDLESS)
@example("a/" * 2500)
@example("$HOME/" + ENDLESS)
@example("*" * 300)
@example("log\0.csv")
@example("x.csv")
@example("\udcff.csv")
def test_a_path_names_files_or_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "x.csv").mkdir(exist_ok=True)
    (tmp_path / "log.csv").write_text("a\n1\n")
    for look in (lambda: data_files(f"{tmp_path}/{path}".replace("..", ".")), lambda: one_file(path, "schema")):
        with suppress(UserError):
            look()


@pytest.mark.parametrize("pattern", ["", "/**/*.csv", "/*/*.csv", "/d*/**/log.csv", "/**"])
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    """Its rows would be missing. Whoever runs the tests may be allowed everything, so that the refusal is made up."""
    (tmp_path / "day=1").mkdir()
    (tmp_path / "day=1" / "log.csv").write_text("a\n1\n")
    (closed := tmp_path / "day=2").mkdir()
    (tmp_path / "_closed").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path) in (closed, tmp_path / "_closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UserError, match=r"cannot be read at '.*day=2': Permission denied"):
        data_files(f"{tmp_path}{pattern}")
    closed.rmdir()
    assert data_files(f"{tmp_path}{pattern}") == (tmp_path / "day=1" / "log.csv",)


def test_a_pattern_may_begin_above_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.csv").write_text("a\n1\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert data_files("../*.csv") == (Path("../log.csv"),)


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a\n1\n")
    (tmp_path / "old.csv").symlink_to("gone.csv")
    (tmp_path / "_SUCCESS").symlink_to("gone")
    for path in (str(tmp_path), f"{tmp_path}/*.csv"):
        with pytest.raises(UserError, match=r"old.csv' is a link that leads nowhere"):
            data_files(path)
    (tmp_path / "old.csv").unlink()
    assert data_files(str(tmp_path)) == (tmp_path / "log.csv",)
