"""Types that others have made of plain ones, as JSON of Arrow and periods of pandas, are read as the plain ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_log import ROWS, SCHEMA, content, load, log

from harness.data.guess.first_schema import first_schema
from harness.data.tabular.extensions import stored

KIND = pa.array([None if n % 13 == 0 else f'{{"kind": {n % 5}}}' for n in range(ROWS)])
DAY = pa.array([19_000 + n % 9 for n in range(ROWS)])
BIN = pa.array([{"left": n % 4, "right": n % 4 + 1} for n in range(ROWS)])
LISTS = pa.array(range(ROWS + 1), pa.int32())
DAYS = pd.PeriodIndex.from_ordinals(DAY.to_pylist(), freq="D")
BINS = pd.IntervalIndex.from_tuples([(each["left"], each["right"]) for each in BIN.to_pylist()])
JSON = pa.ExtensionArray.from_storage(pa.json_(), KIND)
TYPES: dict[str, tuple[pa.Array, pa.Array, str]] = {
    "JSON": (JSON, KIND, 'x = "x"'),
    "periods": (pa.array(DAYS), DAY, 'x = "x"'),
    "intervals": (pa.array(BINS), BIN, 'x = "x.left"'),
    "opaque": (pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "t", "v"), KIND), KIND, 'x = "x"'),
    "in lists": (pa.ListArray.from_arrays(LISTS, JSON), pa.ListArray.from_arrays(LISTS, KIND), 'x = { list = "x" }'),
    "in structures": (
        pa.StructArray.from_arrays([JSON, DAY], ["kind", "day"]),
        pa.StructArray.from_arrays([KIND, DAY], ["kind", "day"]),
        'x = "x.kind"',
    ),
}
"""Of Arrow, the same as it is stored, and a field of it."""
PLAIN = log().to_arrow()


def write(path: Path, values: pa.Array) -> Path:
    table = PLAIN.append_column("x", values)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    return path


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("kind", TYPES)
def test_they_are_guessed_and_read_as_what_stores_them(tmp_path: Path, kind: str, form: str) -> None:
    made, plain, field = TYPES[kind]
    one, other = write(tmp_path / f"a.{form}", made), write(tmp_path / f"b.{form}", plain)
    assert first_schema(str(one)).guesses == first_schema(str(other)).guesses
    schema = SCHEMA.replace('fields = ["user", "item"]', f'fields.user = "user"\nfields.{field}')
    assert content(load(tmp_path, one, schema=schema)) == content(load(tmp_path, other, schema=schema))


def test_files_of_one_table_may_have_a_column_either_way(tmp_path: Path) -> None:
    made, plain, _ = TYPES["JSON"]
    (tmp_path / "log").mkdir()
    write(tmp_path / "log" / "a.parquet", made)
    write(tmp_path / "log" / "b.parquet", plain)
    schema = SCHEMA.replace('"item"', '"item", "x"').replace('time = "ts"\n', 'where = "x IS NOT NULL"\n')
    data = load(tmp_path, tmp_path / "log", schema=schema.replace('by = "time"', 'by = "row"'))
    rows = sum(len(part.labels_NT) for part in (data.train, data.valid, data.test))
    assert rows == 2 * (ROWS - KIND.null_count)
    assert len(set(data.train.ids_NF[:, 2].tolist())) == 5


def made_of(values: list[Any], depth: int) -> tuple[pa.Array, pa.Array]:
    """The same values, as JSON and as text, so many structures and lists deep."""
    plain = pa.array(values, pa.string())
    made = pa.ExtensionArray.from_storage(pa.json_(), plain)
    at = pa.array(range(len(values) + 1), pa.int32())
    missing = pa.array([n % 3 == 2 for n in range(len(values))])
    for level in range(depth):
        if level % 2:
            made, plain = pa.ListArray.from_arrays(at, made), pa.ListArray.from_arrays(at, plain)
        else:
            made, plain = (pa.StructArray.from_arrays([each], ["part"], mask=missing) for each in (made, plain))
    return made, plain


@settings(max_examples=20, deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=5), st.integers(0, 4), st.sampled_from("x*"))
def test_however_deep_they_lie_no_value_changes(values: list[str | None], depth: int, name: str) -> None:
    found, wanted = (pl.DataFrame({name: pl.Series(pl.from_arrow(each))}) for each in made_of(values, depth))
    read = stored(found.lazy(), found.schema)
    assert read.collect_schema() == wanted.schema
    assert read.collect().equals(wanted)
