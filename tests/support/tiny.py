"""Fixtures of many tests: a tiny data set, built once, and a small model. `conftest.py` brings them where tests run."""

from __future__ import annotations

import os

import pytest
from filelock import FileLock
from hypothesis import settings

from harness.api import Data, Model
from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset
from harness.plugins.registry import Registry, build
from support.engine import TINY, store, strategy_of, train_records

UNCOMPILED = ("test_mlflow", "test_ui")
"""Files that need no machine code, which the first other one has to wait for."""

# The same examples every time, no time limit, and no database in the working tree.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None, max_examples=40)
settings.load_profile("repeatable")


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


@pytest.fixture(scope="session")
def machine_code(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of workers that start together, the first compiles the kernels and the others find the machine code.

    It asks for no other fixture, as the folder of the worker's first test may have another of that name.
    """
    with FileLock(tmp_path_factory.getbasetemp().parent / "compiling.lock"):
        registry = Registry()
        dataset = store(_tiny(registry), tmp_path_factory.mktemp("compiled") / "tiny")
        train_records(dataset, _small(registry), [strategy_of(registry, "none")], epochs=1)


@pytest.fixture(scope="module", autouse=True)
def _machine_code_first(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ and request.path.stem not in UNCOMPILED:
        request.getfixturevalue("machine_code")
