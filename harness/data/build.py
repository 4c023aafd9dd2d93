"""A data set that a plan names, built and indexed in a results folder, once."""

from __future__ import annotations

from pathlib import Path

from harness.base import seeds
from harness.base.errors import UserError
from harness.data import indexed
from harness.experiment.keys import data_key
from harness.experiment.plan import PluginSpec
from harness.plugins.registry import Registry, build


def data_folder(results: Path, key: str) -> Path:
    return results / "data" / key


def build_data(dataset: PluginSpec, seed: int, registry: Registry, results: Path) -> str:
    """The key of a data set that is on disk afterwards.

    Raises:
        UserError: the data cannot be built, trained or evaluated on.
    """
    key = data_key(dataset, seed, registry)
    folder = data_folder(results, key)
    if not folder.exists():
        plugin = build(registry.datasets, "data set", dataset.name, dataset.params)
        data = plugin.stream(seeds.generator(seed, "data", dataset.name))
        try:
            indexed.save(data, folder, dataset.name)
        except OSError as error:
            raise UserError(f"data set '{dataset.name}' cannot be written to '{folder}': {error.strerror}") from error
    return key
