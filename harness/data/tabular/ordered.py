"""Rows in order of time, at any size: sorted in memory, or by way of the temporary folder, unless they come so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from harness.api import Ints, UserError
from harness.base.scratch import Scratch
from harness.data.tabular.batches import LEAST, Table
from harness.data.tabular.time_counts import TimeCounts

HELD = 256 << 20
"""Bytes of a table that is sorted in memory."""
DRAWER = 1 << 20
"""Rows that are sorted at a time, about."""


def in_order(table: Table, times: TimeCounts | None) -> Iterator[pl.DataFrame]:
    """The batches of a table, in order of time if it has one, rows of one time in the order of the files.

    times: counts of all times.

    Raises:
        UserError: a file cannot be read, or the temporary folder is full.
    """
    if times is None or times.ordered:
        yield from table.batches()
        return
    rows = _held(table.batches())
    if rows is not None:
        yield from rows.sort("time", maintain_order=True).iter_slices(2 * LEAST)
        return
    firsts, alike = _drawers(times)
    with _temporary(table.where) as folder:
        _put_away(table, firsts, folder)
        for drawer, of_one_time in enumerate(alike):
            yield from _taken_out(folder / str(drawer), of_one_time)


def _held(batches: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
    """All rows, or None if they take more than HELD bytes."""
    parts, size = [], 0
    for batch in batches:
        parts.append(batch)
        size += int(batch.estimated_size())
        if size > HELD:
            return None
    return pl.concat(parts)


@contextmanager
def _temporary(where: str) -> Iterator[Path]:
    try:
        with Scratch() as name:
            yield Path(name)
    except OSError as error:
        raise UserError(
            f"{where}: rows are not in order of time, and cannot be sorted in the temporary folder: "
            f"{error.strerror or error}; accepted: files in order of time, or TMPDIR on a disk with room"
        ) from error


def _drawers(times: TimeCounts) -> tuple[Ints, list[bool]]:
    """The first time of each drawer, and whether it is for this time alone, so that it need not be sorted."""
    span_S, count_S = times.spans()
    end_S = np.cumsum(count_S)
    number_S = end_S // DRAWER + (end_S - count_S) // DRAWER
    start = np.flatnonzero(np.diff(number_S, prepend=-1))
    alone = np.diff(start, append=len(span_S)) == 1
    return span_S[start], [bool(one) and times.shift == 0 for one in alone]


def _put_away(table: Table, firsts: Ints, folder: Path) -> None:
    """Append every row to the file of its drawer, which holds one Arrow stream after the other."""
    for batch in table.batches():
        rows = batch.sort("time", maintain_order=True)
        ends = np.append(np.searchsorted(rows["time"].to_numpy(), firsts), len(rows))
        for drawer, (start, end) in enumerate(pairwise(ends)):
            if start < end:
                with (folder / str(drawer)).open("ab") as file:
                    rows[start:end].write_ipc_stream(file)


def _taken_out(drawer: Path, of_one_time: bool) -> Iterator[pl.DataFrame]:
    """Its rows in order; then it is gone."""
    if of_one_time:
        yield from _streams(drawer)
    else:
        yield from pl.concat(_streams(drawer)).sort("time", maintain_order=True).iter_slices(2 * LEAST)
    drawer.unlink()


def _streams(path: Path) -> Iterator[pl.DataFrame]:
    with pa.OSFile(str(path)) as file:
        while file.tell() < file.size():
            yield pl.DataFrame(pa.ipc.open_stream(file).read_all())
