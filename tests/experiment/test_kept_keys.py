"""What was trained before is found again: the keys of runs and data sets with what comes with the package are stored.

`kept_keys.json` holds them as the Python that is named there reads the plug-ins; other versions write the same syntax
tree in other words.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from harness.experiment import keys
from harness.experiment.instantiate import parse_strategy
from harness.experiment.keys import Versions, data_key, run_key
from harness.experiment.specs import PluginSpec, RunSpec, TrainSpec
from harness.plugins.registry import Registry

RECORDED = Path(__file__).with_name("kept_keys.json")
REGISTRY = Registry()
PRESETS = ("ads", "avazu_like", "feed", "random-7")
ADVICE = """runs or data of before are no longer found, and are made again by everybody: {}.
- Their numbers change: so it is meant. Record the new keys: KEYS=write pytest tests/experiment/test_kept_keys.py
- They do not: say what is new elsewhere. A line in the file of a plug-in, a field of a spec and one of a population's
  configuration are part of the keys of all that has them."""


def run(strategy: str = "none", model: str = "dnn") -> str:
    spec = RunSpec(
        dataset=PluginSpec(name="powerlaw"),
        model=PluginSpec(name=model),
        strategy=parse_strategy(strategy, REGISTRY),
        train=TrainSpec(),
    )
    return run_key(spec, "data", REGISTRY, Versions("torch", "numpy", 0))


def now() -> dict[str, str]:
    """The keys of today."""
    found = {f"model {name}": run(model=name) for name in sorted(REGISTRY.models)}
    found |= {f"strategy {name}": run(strategy=name) for name in sorted(REGISTRY.strategies)}
    specs = {preset: PluginSpec(name="powerlaw", params={"preset": preset}) for preset in PRESETS}
    return found | {f"preset {preset}": data_key(spec, 1, REGISTRY) for preset, spec in specs.items()}


def test_what_was_trained_before_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "version", lambda package: package)
    monkeypatch.setattr(keys, "ENGINE", 0)
    python, found = f"{sys.version_info.major}.{sys.version_info.minor}", now()
    if os.environ.get("KEYS") == "write":
        RECORDED.write_text(json.dumps({"python": python, "keys": found}, indent=1) + "\n")
    recorded = json.loads(RECORDED.read_text())
    if recorded["python"] != python:
        pytest.skip(f"the keys were recorded by Python {recorded['python']}")
    moved = [name for name, key in found.items() if recorded["keys"].get(name) != key]
    assert not moved, ADVICE.format(", ".join(moved))
    assert recorded["keys"].keys() == found.keys()
