"""A results folder whose data set is built."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.studies import arm_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder whose data set is built."""
    folder = tmp_path_factory.mktemp("data")
    arm_of(folder, folder / "results")
    return folder / "results" / "data"


@pytest.fixture
def results(tmp_path: Path, data: Path) -> Path:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "data").symlink_to(data)
    return tmp_path / "results"
