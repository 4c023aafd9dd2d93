"""From table files to the text of a first schema."""

from __future__ import annotations

from typing import NamedTuple

from harness.data.guess.asked import Asked
from harness.data.guess.guess import NOTHING, Guesses, guess
from harness.data.guess.sample import Sample, sample
from harness.data.guess.schema_text import schema_text
from harness.data.tabular.files import data_files


class FirstSchema(NamedTuple):
    """sampled: what the guesses rest on, in words. text: the schema."""

    rows: Sample
    guesses: Guesses
    sampled: str
    text: str


def first_schema(source: str, asked: Asked = NOTHING) -> FirstSchema:
    """Guess from a sample of the files.

    Raises:
        UserError: they cannot be read, or what is asked for is not there.
    """
    files = data_files(source)
    rows = sample(files)
    form = rows.form
    guesses = guess(rows.frame, form is None or form.named, asked, delimited=form is not None)
    where = f"'{source}'" + (f", {len(files):,} files" if len(files) > 1 else "")
    sampled = f"{len(rows.frame):,} rows of {where}, {rows.format}"
    return FirstSchema(rows, guesses, sampled, schema_text(guesses, source, rows, sampled))
