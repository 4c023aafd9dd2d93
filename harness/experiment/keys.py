"""Keys: what names a built data set and a run, so that the same numbers are never computed twice.

A key follows meaning: an edited comment, docstring or layout of a plug-in leaves it alone, while a changed number in
it, or in a helper file that it imports, makes another one.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from harness import ENGINE
from harness.base.errors import UserError
from harness.base.products import torch_version
from harness.experiment.specs import PluginSpec, RunSpec
from harness.plugins.registry import Registry, build, entry_of

NOT_IN_KEY: Any = {"dataset": True, "data_seed": True, "train": {"keep": True, "start": {"source": True}}}
"""Parts of a spec that a run's key has in another form, or that change no number."""
WRITTEN = (PurePath, date, time, timedelta, Decimal, UUID, bytes, np.generic)
"""Types of which two values are equal if they are the same text, in every process."""
CARRIED = 5
"""Of what a run takes over that begins with the state of another: it enters the keys of those alone.

5: rows whose ids shared a row of the state have each its share of what that row remembers; each had all of it. 4: the
row of unknown ids goes on in the later run, even where its data have no such id; it was drawn anew. 3: the absence of a
row goes on there. 2: it began anew there; under Adam a row that is new to the later run is as old as in a single run.
1: it was as old as that run.
"""


class Versions(NamedTuple):
    """What computes numbers, beside plug-ins."""

    torch: str
    numpy: str
    engine: int


def versions() -> Versions:
    """Those of this process."""
    return Versions(torch_version(), version("numpy"), ENGINE)


def data_key(dataset: PluginSpec, data_seed: int, registry: Registry) -> str:
    """Names a built data set: its identity, version, meaning and seed, and the versions of this process."""
    entry = entry_of(registry.datasets, "data set", dataset.name)
    plugin = build(registry.datasets, "data set", dataset.name, dataset.params)
    identity = (dataset.name, plugin.fingerprint(), plugin.version, entry.meaning, data_seed)
    return _digest((identity, version("numpy"), ENGINE))


def run_key(spec: RunSpec, data: str, registry: Registry, by: Versions | None = None) -> str:
    """Names a run: its spec, its data, the meaning of its plug-ins, and the versions that compute it.

    data: the key of the data set. by: these versions; None: those of this process.
    """
    meanings = [entry_of(registry.models, "model", spec.model.name).meaning]
    meanings += [entry_of(registry.strategies, "strategy", s.name).meaning for s in spec.strategy]
    rest = spec.model_dump(mode="json", exclude=NOT_IN_KEY)
    carried = (CARRIED,) if spec.train.start or spec.train.continual else ()
    return _digest((rest, data, meanings, *(by or versions()), *carried))


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_written)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _written(value: Any) -> str:
    """Raises:
    UserError: as text the value is not all that it holds, or is not the same in every process.
    """
    if isinstance(value, WRITTEN):
        return str(value)
    raise UserError(
        f"fingerprint: a value of type {type(value).__name__} is not accepted; accepted: text, numbers, dates, paths, "
        "lists and tables of these; for anything large a digest, as hashlib.sha256(array.tobytes()).hexdigest()"
    )
