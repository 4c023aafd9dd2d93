"""A data set that a plan names, built and indexed in a results folder, once."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.api import Stream
from harness.base import seeds
from harness.base.errors import UserError, described
from harness.base.locks import waited
from harness.base.memory import ensure_free, free_memory
from harness.data import indexed
from harness.data.meter import Meter, Say, silent
from harness.experiment.keys import data_key
from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry, build

LOG = logging.getLogger("multiepoch")


def data_folder(results: Path, key: str) -> Path:
    return results / "data" / key


def build_data(
    dataset: PluginSpec, seed: int, registry: Registry, results: Path, say: Say = silent, seen: Collection[str] = ()
) -> str:
    """The key of a data set that is on disk afterwards.

    One that is there already is compared with what was written, and built again if it is damaged, which is said. If
    another process builds it, that is waited for. say: told how far it is. seen: keys whose content was compared a
    moment ago, of which files are then compared by name and size alone, when they are loaded.

    Raises:
        UserError: the data cannot be built, trained or evaluated on.
    """
    with _of(dataset):
        key = data_key(dataset, seed, registry)
    with waited(results, "data", key, lambda: say(f"data set '{dataset.name}': another process builds it; waiting")):
        _ensure_built(dataset, seed, registry, results, key, say, key in seen)
    return key


def _ensure_built(
    dataset: PluginSpec, seed: int, registry: Registry, results: Path, key: str, say: Say, seen: bool
) -> None:
    folder = data_folder(results, key)
    if folder.exists() and not seen and (problem := indexed.damage(folder)):
        LOG.warning("data set '%s' in '%s' is damaged: %s; it is built again", dataset.name, folder, problem)
        shutil.rmtree(folder)
    if not folder.exists():
        with _of(dataset):
            plugin = build(registry.datasets, "data set", dataset.name, dataset.params)
            what = f"data set '{dataset.name}': building it"
            ensure_free(plugin.memory(), what, "fewer rows or ids", free_memory())
            data = plugin.stream(seeds.generator(seed, "data", dataset.name))
            if data_key(dataset, seed, registry) != key:
                raise UserError(
                    f"data set '{dataset.name}': what it is made of changed while it was opened; nothing of it is "
                    "used; accepted: files to which nobody writes meanwhile"
                )
            for note in data.notes:
                LOG.warning("data set '%s': %s", dataset.name, note)
            _check_room(data, folder, dataset.name)
            try:
                indexed.save(data, folder, dataset.name, Meter(dataset.name, data.rows, say).add)
            except OSError as error:
                problem = f"data set '{dataset.name}' cannot be written to '{folder}': {error.strerror}"
                raise UserError(problem) from error


@contextmanager
def _of(dataset: PluginSpec) -> Iterator[None]:
    """Turn whatever the code of a data set raises into one line."""
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise UserError(f"data set '{dataset.name}' cannot be built: {described(error)}") from error


def _check_room(data: Stream, folder: Path, name: str) -> None:
    """Refuse data that cannot fit on the disk, before any of it is made.

    Raises:
        UserError: its indices and labels alone take more than is free.
    """
    place = next(parent for parent in folder.absolute().parents if parent.exists())
    needed, free = (data.rows or 0) * (4 * len(data.fields) + len(data.tasks)), shutil.disk_usage(place).free
    if needed > free:
        raise UserError(
            f"data set '{name}': {data.rows:,} rows take at least {needed / 2**30:,.1f} GiB; '{folder.parent}' has "
            f"{free / 2**30:,.1f} GiB free; accepted: fewer rows, or another --results"
        )
