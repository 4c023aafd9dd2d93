"""Rows of delimited text cut into cells: what Excel says of the separator, and which row has more cells than others."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from harness.base.errors import UserError
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.encodings import GZIP, ZSTD
from harness.data.tabular.files import Source
from harness.data.tabular.formats import first_block, readable
from harness.data.tabular.stores import Stored

SEPARATORS = "\t,;|"
"""Sought in the first row where a schema names none; the most frequent is taken."""
TOLD = re.compile(r'"?sep=(.)"?\s*$')
"""The first line that Excel writes and reads."""
SHOWN = 60
"""Letters of a line that are quoted."""


def told_separator(start: str) -> str | None:
    """What a first line as `sep=;` says; None: there is no such line. start: of a file, without byte order mark."""
    found = TOLD.match(start.partition("\n")[0])
    return None if found is None else found[1]


def separator_of(file: Source, form: Csv) -> tuple[str, int]:
    """What separates the cells of a file, and how many lines stand above its header."""
    start = first_block(file).removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    told = None if form.skip else told_separator(start)
    skip = form.skip or int(told is not None)
    rows = (line for line in start.splitlines()[skip:] if not (form.comment and line.startswith(form.comment)))
    return form.separator or told or max(SEPARATORS, key=next(rows, "").count), skip


@contextmanager
def readable_rows(files: Sequence[Source], form: Csv, where: str = "") -> Iterator[None]:
    """As `readable`, and where a row of delimited text has more cells than the first, say which."""
    try:
        with readable(files, where):
            yield
    except UserError as error:
        if "malformed" in str(error):
            raise UserError(f'{error}; if quotes are text, as in 5" tv: quote = "" under [csv]') from error
        if "more fields" not in str(error):
            raise
        found = next(filter(None, (_longer(file, form) for file in files)), None)
        raise (UserError(f"{where}{found}") if found else error) from error


def _longer(file: Source, form: Csv) -> str:
    """The first row with more cells than the one above all, in words; empty: there is none."""
    separator, skipped = separator_of(file, form)
    with _text(file) as lines:
        for _ in range(skipped):
            lines.readline()
        rows = csv.reader(lines, delimiter=separator, quotechar=form.quote or None, quoting=0 if form.quote else 3)
        first, at, text = None, skipped, ""
        for row in rows:
            begun, at = at + 1, skipped + rows.line_num
            if not row or (form.comment and row[0].startswith(form.comment)):
                continue
            if first is None:
                first, text = row, f"line {begun}, {shown(row, separator)},"
            elif len(row) > len(first):
                header = form.header and not form.names
                said = f"file '{file}': {text} {'is taken for the header and ' if header else ''}has {cells(first)}"
                said = f"{said}, and line {begun} has {len(row)}, {shown(row, separator)}; accepted: no row with more"
                return said + _hint(first, row)
    return ""


def _hint(first: Sequence[str], row: Sequence[str]) -> str:
    if first[0].startswith("#"):
        return ', or comment = "#" under [csv], which leaves out the lines that begin so'
    if 2 * len(first) <= len(row):
        return ", or skip = 1 under [csv], which leaves out the first line above the header, skip = 2 two lines"
    if not any(row[len(first) :]):
        return ", as one separator at the end of each row needs one at the end of the header"
    return ""


def cells(row: Sequence[str]) -> str:
    """How many a row has."""
    return "1 cell" if len(row) == 1 else f"{len(row)} cells"


def shown(row: Sequence[str], separator: str) -> str:
    """A row as it is quoted."""
    text = separator.join(row)
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def _text(file: Source) -> TextIO:
    """Of a store or compressed by zstd, its beginning alone."""
    start = b"" if isinstance(file, Stored) else _begins(file)
    if start[:2] == GZIP:
        return gzip.open(str(file), "rt", encoding="utf-8-sig", errors="replace", newline="")
    if start and start != ZSTD:
        return open(str(file), encoding="utf-8-sig", errors="replace", newline="")
    return io.StringIO(first_block(file).decode("utf-8-sig", errors="replace"), newline="")


def _begins(file: Path) -> bytes:
    with file.open("rb") as raw:
        return raw.read(4)
