"""A small log of two ids, a time and a label, and how a test loads it from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from harness.api import Data
from harness.base import seeds
from harness.plugins.registry import Registry, build

ROWS = 200
WRITERS = {"parquet": "write_parquet", "csv": "write_csv", "jsonl": "write_ndjson", "arrow": "write_ipc"}
"""Format -> the method of a frame that writes it."""
SCHEMA = """
fields = ["user", "item"]
time = "ts"
[labels]
y = "y"
[split]
by = "time"
"""


def log() -> pl.DataFrame:
    """Ids with and without an unknown one, in order of time."""
    k = range(ROWS)
    return pl.DataFrame(
        {
            "y": [n % 3 == 0 for n in k],
            "user": [n % 17 for n in k],
            "item": [None if n % 11 == 0 else f"i{n % 7:02x}" for n in k],
            "ts": [1_600_000_000 + 60 * n for n in k],
        }
    ).with_columns(pl.col("y").cast(pl.Int64))


def load(folder: Path, path: str | Path, more: str = "", schema: str = SCHEMA) -> Data:
    (folder / "schema.toml").write_text(schema + more)
    params: dict[str, Any] = {"schema": str(folder / "schema.toml"), "path": str(path)}
    return build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))


def content(data: Data) -> list[bytes]:
    return [
        array.tobytes()
        for part in (data.train, data.valid, data.test)
        for array in (part.ids_NF, part.labels_NT, part.time_N)
        if array is not None
    ]
