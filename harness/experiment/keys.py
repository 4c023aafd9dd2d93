"""Keys: what names a built data set and a run, so that the same numbers are never computed twice."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import torch

from harness import ENGINE
from harness.experiment.plan import PluginSpec, RunSpec
from harness.plugins.registry import Registry, build, entry_of


def data_key(dataset: PluginSpec, data_seed: int, registry: Registry) -> str:
    """Names a built data set: its identity, version, source and seed, and what generated it."""
    entry = entry_of(registry.datasets, "data set", dataset.name)
    plugin = build(registry.datasets, "data set", dataset.name, dataset.params)
    parts = (dataset.name, plugin.fingerprint(), plugin.version, entry.source, data_seed, np.__version__, ENGINE)
    return _digest(parts)


def run_key(spec: RunSpec, data: str, registry: Registry) -> str:
    """Names a run: its spec, its data, the sources of its plug-ins, and the versions that compute it."""
    sources = [entry_of(registry.models, "model", spec.model.name).source]
    sources += [entry_of(registry.strategies, "strategy", s.name).source for s in spec.strategy]
    rest = spec.model_dump(mode="json", exclude={"dataset", "data_seed"})
    return _digest((rest, data, sources, torch.__version__, np.__version__, ENGINE))


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
