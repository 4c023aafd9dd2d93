"""Synthetic rows as Parquet files, for people and for other tools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from harness.base.errors import UserError
from harness.base.files import whole
from harness.base.terminal import print_plain
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import CHUNK, Rows, Sampler

GROUP = 8 * CHUNK
"""Rows of a row group, about a million: large enough for columns to compress, small enough to hold in memory."""


def write_parquet(console: Console, source: str, out: Path, rows: int | None, part: str | None, seed: int) -> None:
    """Write train, valid and test.parquet of a population, or one slice as rows.parquet, into a new folder.

    Rows that a task's `kept` drops are in none. Columns: each field, int64; each number, float32 or null; each list and
    sequence, lists of int64; time, int64 seconds; of each task its final label, uint8, `<task>_truth`, float32, and,
    where it is delayed, `<task>_delay`, int32 seconds or null, and `<task>_seen`, the label when training starts.

    Raises:
        UserError: no such population or slice, or the folder exists or cannot be written.
    """
    population = load_population(source, {} if rows is None else {"rows": rows})
    files = _files(population.rows, population.edges(), part)
    if out.exists():
        raise UserError(f"--out '{out}' exists; accepted: a folder that does not")
    sampler = Sampler.drawn(population, seed)
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    total, kept = sum(last - first for first, last in files.values()), 0
    try:
        with whole(out) as partial, Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=total)
            for name, (first, last) in files.items():
                for drawn, n in _write(sampler, first, last, partial / f"{name}.parquet"):
                    bar.advance(task, drawn)
                    kept += n
    except OSError as error:
        raise UserError(f"--out '{out}' cannot be written: {error.strerror or error}") from error
    size = sum(path.stat().st_size for path in out.iterdir()) / 2**20
    print_plain(console, f"{out}: {kept:,} rows, {size:,.0f} MiB")


def _files(rows: int, edges: tuple[int, int, int], part: str | None) -> dict[str, tuple[int, int]]:
    if part is None:
        return dict(zip(("train", "valid", "test"), zip((0, *edges), edges, strict=False), strict=True))
    found = re.fullmatch(r"(\d+):(\d+)", part)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not first < last <= rows:
        raise UserError(f"--slice '{part}' is no slice; accepted: first:last with first < last <= {rows:,}")
    return {"rows": (first, last)}


def _write(sampler: Sampler, first: int, last: int, path: Path) -> Iterator[tuple[int, int]]:
    """Write one file, a row group at a time; yields the rows drawn and those of them that were kept."""
    training_starts = sampler.time_of(sampler.population.edges()[0])
    writer: pq.ParquetWriter | None = None
    try:
        group: list[pa.Table] = []
        for piece in sampler.chunks(first, last):
            group.append(_table(sampler, piece, training_starts))
            drawn = min(CHUNK, last - first)
            first += drawn
            writer = writer or pq.ParquetWriter(path, group[0].schema, compression="zstd")
            if sum(map(len, group)) >= GROUP or first == last:
                writer.write_table(pa.concat_tables(group), row_group_size=GROUP)
                group = []
            yield drawn, piece.time_N.size
    finally:
        if writer is not None:
            writer.close()


def _table(sampler: Sampler, rows: Rows, training_starts: int) -> pa.Table:
    columns: dict[str, Any] = {name: rows.ids_NF[:, f] for f, name in enumerate(sampler.fields)}
    for p, number in enumerate(sampler.kinds.numbers):
        columns[number.name] = pa.array(rows.numbers_NP[:, p], from_pandas=True)
    for each, found in zip(sampler.kinds.lists, sampler.lists(rows), strict=True):
        ends = np.append(0, np.cumsum(found.length_N)).astype(np.int32)
        columns[each.name] = pa.ListArray.from_arrays(ends, found.values_M)
    columns["time"] = rows.time_N
    seen_NT = rows.seen_by(training_starts)
    for t, (name, task) in enumerate(sampler.population.tasks.items()):
        columns[name] = rows.labels_NT[:, t]
        columns[f"{name}_truth"] = rows.truth_NT[:, t]
        if task.delay is not None:
            delay_N = rows.delay_NT[:, t]
            columns[f"{name}_delay"] = pa.array(delay_N, mask=delay_N < 0)
            columns[f"{name}_seen"] = rows.labels_NT[:, t] * seen_NT[:, t].astype(np.uint8)
    return pa.table(columns)
