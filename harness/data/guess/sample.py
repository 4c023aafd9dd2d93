"""A sample of table files: their beginning, and pieces from further on where that costs little."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import polars as pl
import pyarrow as pa
from polars import selectors

from harness.base.errors import UserError
from harness.data.guess.delimited import Form, form_of
from harness.data.tabular.blanks import without_blanks
from harness.data.tabular.cells import readable_rows
from harness.data.tabular.delimited_text import csv_names, without_blank_lines
from harness.data.tabular.files import Source
from harness.data.tabular.formats import GZIP, ZSTD, one_format, readable
from harness.data.tabular.partitions import SOURCE, folders_of, partitioned
from harness.data.tabular.scans import scan
from harness.data.tabular.schema import Csv
from harness.data.tabular.stores import Stored, first_bytes
from harness.data.tabular.unlike import Columns, Problem

HEAD, PIECE = 1 << 20, 1 << 18
"""Bytes of text that are read at the beginning of a file, and at each place further on."""
PLACES, FILES = 4, 16
"""In a file, and files of a folder."""
ROWS = 5000
"""That are read at each place of a binary file."""
ZEROS = r"^-?0\d+$"
"""Numbers that lose zeros in front, as `007`; such columns are text."""
NUMBER = r"^-?\d+$"


@dataclass(frozen=True)
class Sample:
    """Rows of files, in their order. format: as Parquet. form: of delimited text, of which columns with zeros in
    front of their numbers are text."""

    frame: pl.DataFrame
    format: str
    form: Form | None
    problems: Mapping[str, Problem] = field(default_factory=dict)
    """Of columns that not all files have, or not as one type, as far as that is known."""

    @property
    def zeros(self) -> list[str]:
        """Columns of delimited text that would lose zeros as numbers."""
        if self.form is None:
            return []
        text = self.frame.select(selectors.string())
        numbers, zeros = (text.select(pl.all().str.contains(form)) for form in (NUMBER, ZEROS))
        return [name for name in text.columns if numbers[name].all() and zeros[name].any()]


def sample(files: Sequence[Source]) -> Sample:
    """Read a sample of files of one format.

    Raises:
        UserError: one cannot be read, or there is no row.
    """
    kind, form = one_format(files), None
    problems: Mapping[str, Problem] = {}
    with readable(files):
        if kind == "CSV":
            form = form_of(_head(files[0]).decode(errors="replace"))
            frame = _of_csv(files, form)
            problems = Columns(csv_names(files, form.csv), text=True).problems if form.named else problems
        elif kind == "JSON lines":
            frame, problems = _of_json(files)
        else:
            frame, problems = _of_binary(files)
    if not len(frame):
        raise UserError(f"file '{files[0]}' has 0 rows; accepted: a row for every example")
    return Sample(frame, kind, form, problems)


def _of_binary(files: Sequence[Source]) -> tuple[pl.DataFrame, Mapping[str, Problem]]:
    frame, _, problems = scan(files, Csv(), ())
    rows = frame.select(pl.len()).collect().item()
    if rows <= PLACES * ROWS:
        return frame.collect(), problems
    starts = ((rows - ROWS) * place // (PLACES - 1) for place in range(PLACES))
    return pl.concat([frame.slice(start, ROWS) for start in starts]).collect(), problems


def _of_csv(files: Sequence[Source], form: Form) -> pl.DataFrame:
    """Pieces of all files, whose columns get their types together: in one file a column may hold no value."""
    options: dict[str, Any] = {
        "separator": form.separator,
        "has_header": form.header,
        "comment_prefix": form.comment or None,
        "null_values": list(form.nulls) or None,
        "new_columns": list(form.names) or None,
        "skip_lines": form.skip,
        "infer_schema": False,
    }

    def rows(file: Source) -> pl.LazyFrame:
        with readable_rows([file], form.csv):
            frame = pl.read_csv(_lines(file, quotes=True), **options).lazy()
        frame = without_blanks(frame, form.csv.quote, form.nulls) if form.blanks else frame
        return without_blank_lines(frame)

    some = _some(files)
    raw = _joined(some, [rows(file) for file in some])
    names = [name for name in raw.columns if name not in folders_of(files)]
    if form.header and len(raw.filter(pl.all_horizontal(selectors.by_name(name) == name for name in names))):
        raise UserError(
            f"a row repeats the header, {form.separator.join(names)!r}, so that no column holds numbers; accepted: "
            "one header in each file, as `awk 'NR == 1 {h = $0} NR == 1 || $0 != h'` leaves"
        )
    zeros = raw.select(pl.all().str.contains(ZEROS).any())
    kept = {column.name for column in zeros if column.any()} | set(folders_of(files))
    text = io.BytesIO(raw.write_csv().encode())
    return pl.read_csv(text, infer_schema_length=None, schema_overrides=dict.fromkeys(kept, pl.String))


def _of_json(files: Sequence[Source]) -> tuple[pl.DataFrame, Mapping[str, Problem]]:
    texts = {file: _lines(file, quotes=False) for file in _some(files)}
    own = {file: pl.read_ndjson(text, infer_schema_length=None).schema for file, text in texts.items()}
    columns = Columns(own, text=True)
    frame = _joined(tuple(texts), [pl.read_ndjson(text, schema=columns.types).lazy() for text in texts.values()])
    return frame, columns.clashing


def _some(files: Sequence[Source]) -> Sequence[Source]:
    return files[:: -(-len(files) // FILES)]


def _joined(files: Sequence[Source], frames: Sequence[pl.LazyFrame]) -> pl.DataFrame:
    """The rows of files, one after the other, with what their folders say."""
    placed = [frame.with_columns(pl.lit(str(file)).alias(SOURCE)) for file, frame in zip(files, frames, strict=True)]
    return partitioned(pl.concat(placed, how="diagonal"), files).collect()


def _lines(file: Source, quotes: bool) -> bytes:
    """Whole rows of a file: its beginning, and pieces from further on where no row spans lines."""
    head = _head(file)
    if len(head) < HEAD:
        return head
    lines = head[: head.rfind(b"\n") + 1].splitlines(keepends=True)
    if not (quotes and any(line.count(b'"') % 2 for line in lines)):
        return b"".join(lines) + _further(file)
    closed = [count % 2 == 0 for count in accumulate(line.count(b'"') for line in lines)]
    return b"".join(lines[: len(lines) - closed[::-1].index(True)]) if any(closed) else head


def _head(file: Source) -> bytes:
    """Its first bytes, decompressed."""
    raw = pa.py_buffer(first_bytes(file)) if isinstance(file, Stored) else str(file)
    with pa.input_stream(raw, compression=_compression(file)) as text:
        return bytes(text.read(HEAD))


def _compression(file: Source) -> str | None:
    if isinstance(file, Stored):
        start = first_bytes(file)[:4]
    else:
        with file.open("rb") as raw:
            start = raw.read(4)
    return "gzip" if start.startswith(GZIP) else "zstd" if start == ZSTD else None


def _further(file: Source) -> bytes:
    """Whole lines from further on; none of a store, nor of compressed files, which cannot be entered in the middle."""
    if isinstance(file, Stored) or _compression(file):
        return b""
    with file.open("rb") as raw:
        size, pieces = file.stat().st_size, []
        for start in ((size - PIECE) * place // (PLACES - 1) for place in range(1, PLACES)):
            if start < HEAD:
                continue
            raw.seek(start)
            _, _, lines = raw.read(PIECE).partition(b"\n")
            pieces.append(lines if raw.tell() == size and lines.endswith(b"\n") else lines[: lines.rfind(b"\n") + 1])
    return b"".join(pieces)
