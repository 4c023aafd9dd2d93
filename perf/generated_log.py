"""Rows of a generator as a log of somebody's own: one file, split by time, and its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import tomli_w
from rich.console import Console

from harness.data.synthetic.export import write_parquet
from harness.data.synthetic.population import Population
from harness.data.synthetic.presets import load_population


class Written(NamedTuple):
    """source, schema: paths. user: the column of users. task: the first of its labels."""

    source: str
    schema: str
    user: str
    task: str


def write(preset: str, rows: int, folder: Path) -> Written:
    """Leave the file and its schema, in which every task is a label, in a folder."""
    write_parquet(Console(quiet=True), preset, folder / "parts", rows, None, 0)
    parts = [pl.read_parquet(folder / "parts" / f"{name}.parquet") for name in ("train", "valid", "test")]
    pl.concat(parts).write_parquet(folder / "log.parquet")
    population = load_population(preset, {})
    schema = {
        "group": population.group,
        "time": "time",
        "fields": _fields(population),
        "labels": {task: task for task in population.tasks},
        "split": {"by": "time", "valid": population.valid, "test": population.test},
    }
    (folder / "schema.toml").write_text(tomli_w.dumps(schema))
    paths = str(folder / "log.parquet"), str(folder / "schema.toml")
    return Written(*paths, str(population.group), next(iter(population.tasks)))


def _fields(population: Population) -> dict[str, Any]:
    """All that a row shows, read as models read it in the generator."""
    found: dict[str, Any] = {name: name for name, field in population.fields.items() if not field.hidden}
    kinds = population.kinds
    for number in kinds.numbers:
        found[number.name] = {"number": number.name, "scale": number.scale}
    for each in kinds.lists:
        kind = "sequence" if each.ordered else "list"
        found[each.name] = {kind: each.name, "longest": each.longest, "pool": each.pool}
        if each.name in kinds.shares:
            found[each.name]["shares"] = kinds.shares[each.name]
    return found
