"""Small inputs for many tests: a tiny data set, built once, and a small model."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from support.engine import TINY, store, strategy_of, train_records

from harness.api import Data, Model
from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset
from harness.plugins.registry import Registry, build

TESTS = Path(__file__).parent
LONG = (
    "execution/test_scheduler", "execution/test_preemption", "tracking/test_pages", "commands/test_cli",
    "testing/test_conformance", "data/synthetic/test_generator", "strategies/test_strategies", "tracking/test_mlflow",
    "tracking/test_server", "commands/test_data_commands", "tracking/test_ui", "perf/test_faults", "test_installed",
    "execution/test_resume", "execution/test_team", "search/test_storage", "tracking/test_postgres",
    "python/test_notebooks", "python/test_calls", "tracking/test_background",
    "execution/launchers/test_ray_cluster", "execution/launchers/test_slurm", "execution/launchers/test_slurm_cluster",
)  # fmt: skip
"""Files that take longest: they come first, so that short ones fill the end and no worker waits for another."""

# The same examples every time, no time limit, and no database in the working tree.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None, max_examples=40)
settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # xdist would put the files of most tests first
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        _keep_bytecode(config.rootpath / ".pytest_cache" / "bytecode")


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


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry()


@pytest.fixture(scope="session")
def data(registry: Registry) -> Data:
    """A power-law data set of 6,000 rows with both classes of each task in every split."""
    return _tiny(registry)


@pytest.fixture(scope="session")
def dataset(data: Data, tmp_path_factory: pytest.TempPathFactory) -> IndexedDataset:
    return store(data, tmp_path_factory.mktemp("dataset") / "tiny")


@pytest.fixture(scope="session")
def model(registry: Registry) -> Model:
    return _small(registry)


def _tiny(registry: Registry) -> Data:
    return build(registry.datasets, "data set", "powerlaw", TINY).build(seeds.generator(0, "data"))


def _small(registry: Registry) -> Model:
    return build(registry.models, "model", "dnn", {"dim": 4, "hidden": (16, 8)})


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of workers that start together, the first compiles the kernels and the others find the machine code.

    It asks for no fixture, as the folder of the worker's first test may have another of that name.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        with FileLock(tmp_path_factory.getbasetemp().parent / "compiling.lock"):
            registry = Registry()
            dataset = store(_tiny(registry), tmp_path_factory.mktemp("compiled") / "tiny")
            train_records(dataset, _small(registry), [strategy_of(registry, "none")], epochs=1)
