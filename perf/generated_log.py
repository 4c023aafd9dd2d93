"""Rows of a generator as a log of somebody's own: one file, split by time, and its schema."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl
from rich.console import Console

from harness.data.synthetic.export import write_parquet
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
    labels = "".join(f'{task} = "{task}"\n' for task in population.tasks)
    shown = [name for name, field in population.fields.items() if not field.hidden]
    text = f'fields = {shown}\ngroup = "{population.group}"\ntime = "time"\n'
    text += f'[labels]\n{labels}[split]\nby = "time"\n'
    (folder / "schema.toml").write_text(text)
    paths = str(folder / "log.parquet"), str(folder / "schema.toml")
    return Written(*paths, str(population.group), next(iter(population.tasks)))
