"""Rows of a generator as a log of somebody's own: one file, split by time, and its schema."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console

from harness.data.synthetic.export import write_parquet
from harness.data.synthetic.presets import load_population


def write(preset: str, rows: int, folder: Path) -> tuple[str, str, str]:
    """Paths of the file and its schema, which are left in a folder, and the column of users. Every task is a label."""
    write_parquet(Console(quiet=True), preset, folder / "parts", rows, None, 0)
    parts = [pl.read_parquet(folder / "parts" / f"{name}.parquet") for name in ("train", "valid", "test")]
    pl.concat(parts).write_parquet(folder / "log.parquet")
    population = load_population(preset, {})
    labels = "".join(f'{task} = "{task}"\n' for task in population.tasks)
    shown = [name for name, field in population.fields.items() if not field.hidden]
    text = f'fields = {shown}\ngroup = "{population.group}"\ntime = "time"\n'
    text += f'[labels]\n{labels}[split]\nby = "time"\n'
    (folder / "schema.toml").write_text(text)
    return str(folder / "log.parquet"), str(folder / "schema.toml"), str(population.group)
