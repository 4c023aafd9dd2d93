"""Your own data: table files, and a small TOML file that says which columns are ids, labels and time."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from harness.api import Dataset, Generator, Stream, UserError
from harness.data.tabular.files import data_files, digest_of
from harness.data.tabular.schema import Schema, read_schema
from harness.data.tabular.streaming import table_stream

LAST = -1
"""The time origin of a split that is not rolling."""


class TableFile(Dataset):
    """schema: a TOML file, sought in the current folder, then in the repository. path: a file, a folder of files, or a
    pattern as `logs/*.parquet`, here or in an object store, as `s3://bucket/logs`; in the schema also a list of these.
    They are read in batches, whatever their size. Their content tells whether they are Parquet,
    Arrow, JSON lines or delimited text, plain, gzip or zstd. labels: which of the schema's labels to train on, all of
    them if none are named. origin: of a split with `rolling`, which of the time origins, from 0; -1: the last, or that
    of each reporting seed.

    `path` may also stand in the schema; environment variables in either are expanded. Values in the schema are SQL
    expressions (of Polars) over the columns of the file; optional keys are marked by a question mark:

        fields = ["user_id", "item_id"]   # columns, or a table [fields] of ids, numbers, lists, sequences, histories
        where = "day <= 8"                # ? rows to keep
        group = "user_id"                 # ? for GAUC
        time = "ts"                       # ? a date, text as 2024-05-01T12:00:00+02:00, or a number
        time_unit = "ms"                  # ? of numbers, if it is not found out: s, ms, us, ns, yyyymmdd, yymmddhh, ...
        weight = "price"                  # ? how much a row counts in the loss and in metrics: a number, 0 or more
        query = "SELECT *, ... FROM data" # ? derives columns first, from ALL rows: windows and joins
        text = ["zip"]                    # ? columns of a CSV file that are text, though they look like numbers
        optional = ["zip"]                # ? columns that some files may not have; null there
        path = "$CLICKS"                  # ?
        [csv]                             # ? of delimited text
        separator = ";"                   # ? if it is none of tab, comma, semicolon, bar, or not the most frequent
        names = ["y", "user", "item"]     # ? of a file without a header; or header = false: column_0, column_1, ...
        quote = "'"                       # ? empty: none
        comment = "#"                     # ? begins lines to skip
        nulls = ["NA", "-1"]              # ? values that mean unknown
        skip = 2                          # ? lines above the header, as a title
        blanks = true                     # ? around names and values, as in `user, item`: they are no part of them
        formulas = true                   # ? values as ="007" are the text 007
        below = 1                         # ? lines below the header that are no rows, as one of units
        totals = true                     # ? rows of totals are left out
        short = "drop"                    # ? rows with fewer cells than the header; "null": they lack unknown values
        encoding = "windows-1252"         # ? of text that is not UTF-8
        [sample]                          # ? of a log too large to train on: some users, each with all rows, and
                                          # that share of the rows without one
        by = "user_id"                    # what is drawn
        keep = 0.1                        # the share of it; a smaller one is part of a larger one
        [labels]
        click = "clicked"                 # 0, 1, true, false; null or NaN: unknown
        [observed]                        # ? where a label is known at all
        click = "shown = 1"
        [kept]                            # ? of which label only a share of one class is in the log
        click = "0.1 of negatives"        # or of positives
        [split]
        by = "group"                      # "time": later rows are tested; "group": no value of `column` is torn apart;
                                          # "row": at random; "column": it says train, valid or test
        column = "session_id"             # with by = "group" or "column"
        valid = 0.1                       # ? shares
        test = 0.1
        # gap = "90d"                     # ? with by = "time": how long before valid rows are left out of train
        # rolling = 5                     # ? with by = "time": so many time origins, one for each seed of a plan

    Integers and decimals of scale 0 stay as they are (unsigned ones above 2**63 wrap), dates and booleans become
    integers, and null is an id of its own. Text becomes a 64-bit hash: two of n distinct values have one id with a
    probability of n**2 / 2**65.
    """

    name = "table_file"
    version = 3
    schema: str = ""
    path: str = ""
    labels: tuple[str, ...] = ()
    origin: int = LAST

    def stream(self, rng: Generator) -> Stream:
        schema = read_schema(self.schema, self.labels)
        files, where = data_files(self.path or schema.path), f"schema '{self.schema}'"
        return table_stream(schema, files, where, rng, self._later(schema))

    def repetition(self, number: int) -> dict[str, Any]:
        """Its own time origin, where the split is rolling and the plan names none."""
        rolling = read_schema(self.schema, self.labels).split.rolling
        if rolling == 1 or self.origin != LAST:
            return {}
        if number >= rolling:
            raise UserError(
                f"schema '{self.schema}': split.rolling = {rolling} is less than the seeds of the plan, each of which "
                f"needs a time origin of its own; accepted: {rolling} seeds at most, or a larger rolling"
            )
        return {"origin": number}

    def _later(self, schema: Schema) -> int:
        """Time origins after this one.

        Raises:
            UserError: there is no such origin.
        """
        rolling = schema.split.rolling
        if not LAST <= self.origin < rolling:
            accepted = f"0 to {rolling - 1}, as split.rolling = {rolling}, or {LAST} for the last"
            raise UserError(
                f"table_file: origin = {self.origin} is none of schema '{self.schema}'; accepted: {accepted}"
            )
        return rolling - 1 - self.origin if self.origin != LAST else 0

    def fingerprint(self) -> dict[str, Any]:
        """Content of file and schema, not where they lie."""
        schema = read_schema(self.schema, self.labels)
        meaning = json.dumps(schema.model_dump(exclude={"path"}, exclude_defaults=True))
        file = digest_of(data_files(self.path or schema.path))
        return {"file": file, "schema": meaning, "later": self._later(schema), "polars": pl.__version__}
