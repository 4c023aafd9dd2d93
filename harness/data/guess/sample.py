"""A sample of table files: their beginning, and pieces from further on where that costs little."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from polars import selectors

from harness.base.errors import UserError
from harness.data.guess.delimited import Form, form_of
from harness.data.guess.features import Features, features_of
from harness.data.guess.lost_digits import lost
from harness.data.guess.odd_lines import FEW, with_odd_lines
from harness.data.guess.pieces import HEAD, PLACES, encoding_of, whole_lines
from harness.data.tabular.cells import readable_rows
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.delimited_text import csv_names
from harness.data.tabular.expressions import queried
from harness.data.tabular.files import Source
from harness.data.tabular.formats import has_rows, readable
from harness.data.tabular.json_lines import DROP, Lines
from harness.data.tabular.one_table import one_table
from harness.data.tabular.partitions import SOURCE, folder_types, partitioned
from harness.data.tabular.scans import scan
from harness.data.tabular.text_files import without_blank_lines
from harness.data.tabular.unlike import Columns, Problem

FILES = 16
"""Of a folder."""
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
    broken: str = ""
    """Why lines of JSON are left out; empty: all are objects."""
    features: Features | None = None
    """Where the rows are what a query makes of lines."""

    @property
    def written(self) -> dict[str, tuple[Any, str]]:
        """What stands under [csv]: key -> value, and why."""
        if self.form is None:
            return {"short": (DROP, self.broken)} if self.broken else {}
        return {key: (getattr(self.form, key), why) for key, why in self.form.reasons.items()}

    @property
    def csv(self) -> Csv:
        if self.form is None:
            return Csv(short="drop" if self.broken else "")
        return self.form.csv

    @property
    def zeros(self) -> list[str]:
        """Columns of delimited text that would lose zeros as numbers."""
        if self.form is None or self.features is not None:
            return []
        text = self.frame.select(selectors.string())
        numbers, zeros = (text.select(pl.all().str.contains(form)) for form in (NUMBER, ZEROS))
        return [name for name in text.columns if numbers[name].all() and zeros[name].any()]


def sample(files: Sequence[Source]) -> Sample:
    """Read a sample of files of one format; those that hold nothing are left out.

    Raises:
        UserError: one cannot be read or has the rows of another, or there is no row.
    """
    kind, files, _ = one_table(files)
    with readable(files):
        if kind == "CSV":
            found = _of_csv(files)
        elif kind == "JSON lines":
            found = _of_json(files)
        else:
            found = _of_binary(files, kind)
    if not len(found.frame):
        raise UserError(f"file '{files[0]}' has 0 rows; accepted: a row for every example")
    return found


def _of_binary(files: Sequence[Source], kind: str) -> Sample:
    frame, _, problems, _ = scan(files, Csv(), ())
    rows = frame.select(pl.len()).collect().item()
    if rows <= PLACES * ROWS:
        return Sample(frame.collect(), kind, None, problems)
    starts = ((rows - ROWS) * place // (PLACES - 1) for place in range(PLACES))
    return Sample(pl.concat([frame.slice(start, ROWS) for start in starts]).collect(), kind, None, problems)


def _of_csv(files: Sequence[Source]) -> Sample:
    """Pieces of all files, whose columns get their types together: in one file a column may hold no value."""
    texts = {file: whole_lines(file, quotes=True) for file in _some(files)}
    if encoding := encoding_of(texts.values()):
        texts = {file: text.decode(encoding, errors="replace").encode() for file, text in texts.items()}
    begun = next(filter(has_rows, texts.values()), texts[files[0]])
    features = features_of(texts.values(), files[0])
    form = form_of(begun[:HEAD].decode(errors="replace")) if features is None else features.form
    if encoding:
        form = form.told("encoding", encoding, "bytes that are not UTF-8")
    with readable_rows(files, form.csv):
        form, rows = with_odd_lines(texts, form)
        raw = _joined(tuple(texts), [without_blank_lines(frame) for frame in rows.values()])
        zeros = raw.select(selectors.string().str.contains(ZEROS).any())
        text = [*(column.name for column in zeros if column.any()), *lost(raw)]
        kept = {**dict.fromkeys(text, pl.String()), **folder_types(files)}
        again = io.BytesIO(raw.write_csv().encode())
        frame = pl.read_csv(again, infer_schema_length=None, schema_overrides=kept)
        problems = Columns(csv_names(files, form.csv), text=True).problems if form.named else {}
        if features is not None:
            frame = queried(frame.lazy(), features.query, f"file '{files[0]}'").collect()
    return Sample(frame, "CSV", form, problems, features=features)


def _of_json(files: Sequence[Source]) -> Sample:
    texts, broken = {file: whole_lines(file, quotes=False) for file in _some(files)}, ""
    for file, text in texts.items():
        with suppress(pl.exceptions.PolarsError):
            pl.read_ndjson(text, infer_schema_length=None)
            continue
        texts[file], said = _sound(file, text)
        broken = broken or said
    own = {file: pl.read_ndjson(text, infer_schema_length=None).schema for file, text in texts.items()}
    columns = Columns(own, text=True)
    frame = _joined(tuple(texts), [pl.read_ndjson(text, schema=columns.types).lazy() for text in texts.values()])
    _refuse_one_object(files[0], frame)
    return Sample(frame, "JSON lines", None, columns.clashing, broken)


def _refuse_one_object(file: Source, frame: pl.DataFrame) -> None:
    """Refuse a file that is one object in which all rows lie."""
    for name, dtype in frame.schema.items() if len(frame) == 1 else ():
        if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
            raise UserError(
                f"file '{file}' is one object, in whose '{name}' is a list of {len(frame[name][0]):,}; accepted: an "
                f"object on each line, as `jq -c '.{name}[]'` makes"
            )


def _sound(file: Source, text: bytes) -> tuple[bytes, str]:
    """The lines that are objects, and why the others are left out; empty: there is none.

    Raises:
        UserError: they are many.
    """
    lines = Lines()
    try:
        sound = b"".join(lines.sound(text.splitlines(keepends=True)))
    except UnicodeDecodeError:
        return text, ""
    if lines.broken > FEW * lines.objects:
        raise UserError(lines.refused(file))
    numbered = text[:HEAD].count(b"\n") + 1
    return sound, f"{lines.said(numbered)}; such lines are left out" if lines.broken else ""


def _some(files: Sequence[Source]) -> Sequence[Source]:
    return files[:: -(-len(files) // FILES)]


def _joined(files: Sequence[Source], frames: Sequence[pl.LazyFrame]) -> pl.DataFrame:
    """The rows of files, one after the other, with what their folders say."""
    placed = [frame.with_columns(pl.lit(str(file)).alias(SOURCE)) for file, frame in zip(files, frames, strict=True)]
    return partitioned(pl.concat(placed, how="diagonal"), files).collect()
