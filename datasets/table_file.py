"""Your own data: table files, and a small TOML file that says which columns are ids, labels and time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import Data, Dataset, Generator, Ints, Split, UserError
from harness.data.tabular.conversion import exact_ids, seconds
from harness.data.tabular.files import data_files, digest_of
from harness.data.tabular.readers import read_table
from harness.data.tabular.schema import Schema, read_schema
from harness.data.tabular.splits import split_by_column, split_by_group, split_by_time

Bools = npt.NDArray[np.bool_]


class TableFile(Dataset):
    """schema: a TOML file, sought in the current folder, then in the repository. path: a file, a folder of files, or a
    pattern as `logs/*.parquet`; in the schema also a list of these. Their content tells whether they are Parquet,
    Arrow, JSON lines or delimited text, plain, gzip or zstd. labels: which of the schema's labels to train on, all of
    them if none are named.

    `path` may also stand in the schema; environment variables in either are expanded. Values in the schema are SQL
    expressions (of Polars) over the columns of the file; optional keys are marked by a question mark:

        fields = ["user_id", "item_id"]   # columns, or a table [fields] of name = "SQL"; integers, text, bool, dates
        where = "day <= 8"                # ? rows to keep
        group = "user_id"                 # ? for GAUC
        time = "ts_ms / 1000"             # ? seconds, a date, or text as 2024-05-01 12:00:00
        query = "SELECT *, ... FROM data" # ? derives columns first, from ALL rows: windows and joins
        text = ["zip"]                    # ? columns of a CSV file that are text, though they look like numbers
        path = "$CLICKS"                  # ?
        [csv]                             # ? of delimited text
        separator = ";"                   # ? if it is none of tab, comma, semicolon, bar, or not the most frequent
        names = ["y", "user", "item"]     # ? of a file without a header; or header = false: column_0, column_1, ...
        quote = "'"                       # ? empty: none
        comment = "#"                     # ? begins lines to skip
        nulls = ["NA", "-1"]              # ? values that mean unknown
        [labels]
        click = "clicked"                 # 0, 1, true, false, or null for unknown
        [observed]                        # ? where a label is known at all
        click = "shown = 1"
        [split]
        by = "group"                      # "time": later rows are tested; "group": no value of `column` is torn apart;
                                          # "row": at random; "column": it says train, valid or test
        column = "session_id"             # with by = "group" or "column"
        valid = 0.1                       # ? shares
        test = 0.1
        # gap = "90d"                     # ? with by = "time": how long before valid rows are left out of train

    Ids are exact: integers stay as they are (unsigned ones above 2**63 wrap), other types become their rank among
    the distinct values of the column, and null is an id of its own.
    """

    name = "table_file"
    version = 1
    schema: str = ""
    path: str = ""
    labels: tuple[str, ...] = ()

    def build(self, rng: Generator) -> Data:
        schema = read_schema(self.schema, self.labels)
        table = read_table(schema, data_files(self.path or schema.path), f"schema '{self.schema}'")
        ids_NF = np.column_stack([exact_ids(table[f"fields.{name}"]) for name in schema.fields])
        labels_NT, observed_NT = _labels(table, schema, f"schema '{self.schema}'")
        group_N = None if schema.group is None else exact_ids(table["group"])
        time_N = None if schema.time is None else seconds(table["time"], f"schema '{self.schema}': time")
        positions = _positions(schema, table, time_N, rng, f"schema '{self.schema}': split")
        parts = [
            Split(
                ids_NF=ids_NF[at],
                labels_NT=labels_NT[at],
                observed_NT=None if observed_NT.all() else observed_NT[at],
                group_N=None if group_N is None else group_N[at],
                time_N=None if time_N is None else time_N[at],
            )
            for at in positions
        ]
        return Data(tuple(schema.fields), tuple(schema.labels), *parts)

    def fingerprint(self) -> dict[str, Any]:
        """Content of file and schema, not where they lie."""
        schema = read_schema(self.schema, self.labels)
        meaning = json.dumps(schema.model_dump(exclude={"path"}, exclude_defaults=True))
        return {"file": digest_of(data_files(self.path or schema.path)), "schema": meaning, "polars": pl.__version__}


def _positions(schema: Schema, table: pl.DataFrame, time_N: Ints | None, rng: Generator, where: str) -> list[Ints]:
    """Of the rows of train, valid and test."""
    cut = schema.split
    match cut.by:
        case "time":
            assert time_N is not None
            return split_by_time(time_N, cut.valid, cut.test, cut.gap_seconds, where)
        case "column":
            return split_by_column(table["split.column"], where)
        case "row":
            return split_by_group(np.arange(len(table)), time_N, cut.valid, cut.test, rng)
        case _:
            return split_by_group(exact_ids(table["split.column"]), time_N, cut.valid, cut.test, rng)


def _labels(table: pl.DataFrame, schema: Schema, where: str) -> tuple[npt.NDArray[np.uint8], Bools]:
    """labels_NT and observed_NT."""
    labels, observed = [], []
    for name, sql in schema.labels.items():
        column = table[f"labels.{name}"]
        known = column.is_not_null()
        if name in schema.observed:
            known &= table[f"observed.{name}"].fill_null(False)
        value_N, known_N = column.cast(pl.Float64).fill_null(0.0).to_numpy(), known.to_numpy()
        bad_N = known_N & (value_N != 0) & (value_N != 1)
        if bad_N.any():
            value = f"labels.{name} = {sql!r} has the value {column[int(bad_N.argmax())]}"
            raise UserError(f"{where}: {value}; accepted: 0, 1, true, false, null, as {sql} > 0")
        labels.append((known_N & (value_N == 1)).astype(np.uint8))
        observed.append(known_N)
    return np.column_stack(labels), np.column_stack(observed)
