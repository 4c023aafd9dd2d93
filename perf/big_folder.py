"""A folder of Parquet larger than one wants in memory: how fast and in how much memory it is read and indexed.

`python -m perf.big_folder` writes results/tables/big_folder.md; each measurement is a fresh process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from rich.progress import track

from harness.api import Dataset
from harness.base import seeds
from harness.base.places import ROOT
from harness.data import indexed
from harness.plugins.registry import Registry, build
from perf.memory import memory_mb

TABLE = ROOT / "results" / "tables" / "big_folder.md"
IDS = (5_000_000, 1_000_000, 200_000, 50_000, 10_000, 2_000, 500, 100, 24, 12, 7, 2)
"""Of each field, about; the first two are 64 bits wide, the others 32."""
FIELDS = [f"f{f}" for f in range(len(IDS))]
PART = 1_000_000
"""Rows of a file."""
SCHEMA = f"""
fields = {FIELDS}
time = "ts"
[labels]
y = "y"
[split]
by = "time"
"""
TRIES = 3
HEAD = f"""# A folder larger than memory

Written by `python -m perf.big_folder`.

Files of {PART:,} rows in Parquet: {len(IDS)} fields of up to {IDS[0]:,} ids, a label, a time.
`scan`: Polars reads these columns in batches and drops them. `read`: `table_file` makes pieces of train, valid and test
of them, in order of time, which are dropped. `index`: these are coded, written, synced and sealed with digests.
Each in a fresh process, with files in the page cache; the fastest of a few tries. Shares of the scan's speed are by the
clock, and by seconds of CPU, which other processes disturb less. Peak resident memory in MB.

| rows | in order of | work | M rows/s | speed against scan | by CPU | peak MB |
| :-- | :-- | :-- | --: | --: | --: | --: |
"""
PARTS = "train", "valid", "test"


def write(rows: int, folder: Path, *, ordered: bool) -> None:
    """Ids of a long tail, ten rows a second. Unless ordered, each file has rows of all times, in none."""
    rng, files = np.random.default_rng(0), rows // PART
    for part in track(range(files), f"writing {rows:,} rows", transient=True):
        columns: dict[str, object] = {}
        for name, ids in zip(FIELDS, IDS, strict=True):
            draw = (ids * rng.random(PART) ** 3).astype(np.int64)
            columns[name] = draw if ids > IDS[2] else draw.astype(np.int32)
        second = (np.arange(PART) + part * PART if ordered else rng.permutation(PART) * files + part) // 10
        columns |= {"y": rng.random(PART) < 0.1, "ts": 1_600_000_000 + second}
        pl.DataFrame(columns).write_parquet(folder / f"part-{part:05d}.parquet")


def scan(folder: Path) -> int:
    """Polars reads the same columns, batch by batch, and drops them."""
    frame = pl.scan_parquet(folder / "*.parquet").select(*FIELDS, "y", "ts")
    return sum(map(len, frame.collect_batches(engine="streaming")))


def read(folder: Path) -> int:
    """The pieces of train, valid and test, in order of time, which are dropped."""
    return sum(len(piece.ids_NF) for _, piece in _dataset(folder).stream(seeds.generator(0, "data")).pieces)


def index(folder: Path) -> int:
    """The data set coded and written, as a plan has it built."""
    stream = _dataset(folder).stream(seeds.generator(0, "data"))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        indexed.save(stream, Path(place) / "data")
        return sum(len(indexed.load(Path(place) / "data").split(part)) for part in PARTS)


WORK: dict[str, Callable[[Path], int]] = {"scan": scan, "read": read, "index": index}


def measured(what: str, folder: Path, tries: int) -> dict[str, float]:
    """Rows, seconds, seconds of CPU and peak resident MB in a fresh process; of several, the fastest."""
    command = [sys.executable, "-W", "ignore", "-m", "perf.big_folder", "--measure", what, str(folder)]
    runs = [subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True) for _ in range(tries)]
    found: list[dict[str, float]] = [json.loads(run.stdout.splitlines()[-1]) for run in runs]
    return min(found, key=lambda each: each["seconds"])


def here(what: str, folder: Path) -> dict[str, float]:
    """Measure in this process."""
    start, cpu = time.perf_counter(), time.process_time()
    rows = WORK[what](folder)
    times = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    return {"rows": rows, **times, "peak": memory_mb("VmHWM")}


def _dataset(folder: Path) -> Dataset:
    values = {"schema": str(folder / "schema.toml"), "path": str(folder / "*.parquet")}
    return build(Registry().datasets, "data set", "table_file", values)


def lines_of(rows: int, place: Path, tries: int, *, ordered: bool) -> list[str]:
    """The rows of the table for a folder of this size, which is deleted afterwards. tries: at indexing it."""
    with tempfile.TemporaryDirectory(dir=place, prefix="big-folder-") as name:
        folder, lines = Path(name), []
        (folder / "schema.toml").write_text(SCHEMA)
        write(rows, folder, ordered=ordered)
        size = sum(path.stat().st_size for path in folder.glob("*.parquet")) / 2**30
        scanned = measured("scan", folder, TRIES)
        for what in WORK:
            found = scanned if what == "scan" else measured(what, folder, TRIES if what == "read" else tries)
            share = (scanned["seconds"] / found["seconds"], scanned["cpu"] / found["cpu"])
            order = "time" if ordered else "none"
            lines.append(
                f"| {rows / 1e6:,.0f} M, {size:.1f} GiB | {order} | {what} | {rows / found['seconds'] / 1e6:.2f} | "
                f"{share[0]:.0%} | {share[1]:.0%} | {found['peak']:,.0f} |"
            )
        return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.big_folder", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000, 100_000_000])
    parser.add_argument("--unordered", type=int, nargs="*", default=[20_000_000], help="rows of folders not in order")
    parser.add_argument("--place", type=Path, default=ROOT / "results", help="where folders are written for a while")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(here(arguments.measure[0], Path(arguments.measure[1]))))
        return
    from harness.base.environment import environment

    env = environment()
    lines = HEAD.splitlines()
    for rows in arguments.rows:
        lines += lines_of(rows, arguments.place, TRIES if rows < 50_000_000 else 1, ordered=True)
    for rows in arguments.unordered:
        lines += lines_of(rows, arguments.place, TRIES, ordered=False)
    lines += ["", f"Machine: {env['machine']}, {env['cores']} cores, {env['memory_gb']} GB; Polars {pl.__version__}."]
    TABLE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines), f"\ntable: {TABLE}")


if __name__ == "__main__":
    main()
