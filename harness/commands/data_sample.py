"""`multiepoch data sample`: a log with some of its users alone, each with all rows, and what that does to other ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.base.errors import UserError, unknown
from harness.base.files import whole_file
from harness.base.terminal import explained, print_plain
from harness.commands import out_file
from harness.data.guess.sample import sample
from harness.data.tabular.files import data_files
from harness.data.tabular.formats import readable
from harness.data.tabular.scans import scan
from harness.data.tabular.thinned import thinned

IDS = 50
"""Distinct values in the first rows from which a column is taken for one of ids."""
READABLE = pl.col(pl.Int128).cast(pl.Decimal(38, 0))
"""Integers of 128 bits, which nothing else reads from Parquet, as decimals, which come back as the same ids."""
WORDS = (
    ("ids", "different values of a column"),
    ("rows per id", "their mean"),
    ("seen once", "share of ids that one row has"),
)
"""Columns with what they tell."""
LENGTH = "\0rows"
"""A column of our own."""


def write_sample(console: Console, source: str, by: str, keep: float, out: Path, force: bool) -> None:
    """Write the rows of a share of a column's values as Parquet, and print rows per id of before and after.

    Raises:
        UserError: the files cannot be read or have no such column, none of it is drawn, or `out` exists or cannot be
            written.
    """
    if out.suffix != ".parquet":
        raise UserError(f"--out '{out}' is not named *.parquet; accepted: a Parquet file")
    out_file.ensure_new(out, force)
    files = data_files(source)
    if out.exists() and any(isinstance(file, Path) and file.samefile(out) for file in files):
        raise UserError(f"--out '{out}' is of the log itself; accepted: another file")
    with console.status("reading a sample"):
        first = sample(files)
    frame, _, problems, _ = scan(files, first.csv, first.zeros)
    if by not in (columns := frame.collect_schema()):
        raise unknown("column", by, columns, "--by")
    for name, problem in problems.items():
        if name not in columns:
            print_plain(console, f"column '{name}' is left out of the sample: it {problem.said}", "yellow")
    drawn = thinned(frame, pl.col(by), keep, f"--by {by}")
    try:
        with console.status("writing it"), readable(files), whole_file(out) as partial:
            drawn.with_columns(READABLE).sink_parquet(partial)
            if not (rows := pl.scan_parquet(partial).select(pl.len()).collect().item()):
                raise UserError(f"--keep {keep:g}: none of '{by}' is drawn; accepted: a larger share")
    except OSError as error:
        raise UserError(f"--out '{out}' cannot be written: {error.strerror}") from error
    ids = [column.name for column in first.frame if column.name == by or _of_ids(column)]
    with console.status("counting"), readable(files):
        whole = frame.select(pl.len()).collect(engine="streaming").item()
        table = _table(frame, pl.scan_parquet(out), ids)
    console.print(table, explained(WORDS))
    print_plain(
        console,
        f"{out}: {rows:,} of {whole:,} rows. Every {by} in it has all rows; ids of other columns are seen less often "
        "than in the whole log, so that effects of rare ids are larger in it.",
    )


def _table(frame: pl.LazyFrame, drawn: pl.LazyFrame, ids: Iterable[str]) -> Table:
    """Rows per id before and after."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("column", "ids", "rows per id", "seen once", "in the sample: ids", "rows per id", "seen once"):
        table.add_column(title, justify="left" if title == "column" else "right", overflow="fold")
    for name in ids:
        table.add_row(Text(name), *_counted(frame, name), *_counted(drawn, name))
    return table


def _of_ids(column: pl.Series) -> bool:
    whole = column.dtype.is_integer() or column.dtype in (pl.String, pl.Categorical)
    return whole and column.n_unique() >= IDS


def _counted(frame: pl.LazyFrame, name: str) -> Iterator[str]:
    """Ids, rows per id, and the share of ids that are seen once."""
    count = frame.group_by(name).len(LENGTH)
    told = count.select(pl.len(), pl.col(LENGTH).mean(), (pl.col(LENGTH) == 1).mean().alias("once"))
    ids, mean, once = told.collect(engine="streaming").row(0)
    yield from (f"{ids:,}", f"{mean:.1f}", f"{once:.0%}")
