"""Where tests run, in which order, and where their bytecode is kept. `support/tiny.py` has the fixtures of all.

It imports nothing of ours: of several processes the first runs no test, and starts the others.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LONG = (
    "data/synthetic/test_generator", "tracking/test_mlflow", "tracking/test_ui", "execution/test_scheduler",
    "execution/test_preemption", "tracking/test_pages", "commands/test_cli", "testing/test_conformance",
    "strategies/test_strategies", "tracking/test_server", "commands/test_data_commands", "perf/test_faults",
    "test_installed", "execution/test_resume", "execution/test_team", "search/test_storage", "tracking/test_postgres",
    "python/test_notebooks", "python/test_calls", "tracking/test_background",
    "execution/launchers/test_ray_cluster", "execution/launchers/test_slurm", "execution/launchers/test_slurm_cluster",
)  # fmt: skip
"""Files that take longest: they come first, so that short ones fill the end and no worker waits for another. While the
first has the kernels compiled, which takes half a minute in a new checkout, the next two do without."""


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # xdist would put the files of most tests first
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        _keep_bytecode(config.rootpath / ".pytest_cache" / "bytecode")
    if config.getoption("dist", "no") == "no" or config.option.collectonly:
        config.pluginmanager.import_plugin("support.tiny")


def _keep_bytecode(folder: Path) -> None:
    """Here, where no source lies beside it, for this process and all that it starts; of files of tests, till the next.

    Without any, a worker or a command compiles all that it imports, which takes it longer than what it is started for.
    """
    for old in (folder / tempfile.gettempdir().lstrip("/")).glob("pytest-of-*"):
        shutil.rmtree(old, ignore_errors=True)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files = [str(TESTS / f"{name}.py") for name in LONG]
    items.sort(key=lambda item: files.index(str(item.path)) if str(item.path) in files else len(files))
