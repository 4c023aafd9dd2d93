"""Populations by name: presets that come with the project, a TOML file of one's own, or one drawn at random."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.base.config import explain, read_toml
from harness.base.errors import UserError, unknown
from harness.base.places import PRESETS
from harness.data.synthetic.population import TABLES, Population
from harness.data.synthetic.random_population import ROWS, random_population

RANDOM = re.compile(r"random-(\d{1,18})")
"""`random-7`: what `multiepoch data random --seed 7` draws."""


def presets() -> list[str]:
    """Names of the presets that come with the project."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def is_preset(name: str) -> bool:
    """Whether it names one that comes with the project, or one drawn at random."""
    return name in presets() or RANDOM.fullmatch(name) is not None


def load_population(preset: str, changes: dict[str, Any] | None = None) -> Population:
    """A preset by name, or a TOML file by path, with some of its values changed. The ids of one drawn at random grow
    with its rows.

    Raises:
        UserError: there is no such preset, it is not TOML, or a key or value is not accepted.
    """
    changes = changes or {}
    try:
        return Population.model_validate(_merged(_values(preset, changes), changes, preset))
    except ValidationError as error:
        raise UserError(f"preset '{preset}': {explain(error, Population)}") from error


def _values(preset: str, changes: dict[str, Any]) -> dict[str, Any]:
    if (drawn := RANDOM.fullmatch(preset)) is not None:
        return random_population(int(drawn[1]), changes.get("rows", ROWS))
    path = Path(preset) if preset.endswith(".toml") else PRESETS / f"{preset}.toml"
    if not path.is_file():
        raise unknown("preset", preset, [*presets(), "random-7 or of another seed", "a TOML file"])
    return read_toml(path, f"preset '{preset}' cannot be read as TOML")


def _merged(values: dict[str, Any], changes: dict[str, Any], preset: str) -> dict[str, Any]:
    """`changes` over `values`; a field or a task must be the preset's."""
    merged = dict(values)
    for name, change in changes.items():
        if name in TABLES:
            merged[name] = dict(values.get(name, {}))
            for entry, inner in change.items():
                if entry not in merged[name]:
                    raise unknown("field" if name != "tasks" else "task", entry, merged[name], f"preset '{preset}'")
                merged[name][entry] = merged[name][entry] | inner
        else:
            merged[name] = change
    return merged
