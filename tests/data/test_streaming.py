"""Tables larger than memory: read in batches, they give the very data that they give when held."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.api import Data, Ints, Stream, UserError
from harness.base import seeds
from harness.data.tabular import batches, copies, look, ordered
from harness.data.tabular.batches import Table, open_table
from harness.data.tabular.copies import refuse_copies
from harness.data.tabular.files import data_files
from harness.data.tabular.readers import lazy_table
from harness.data.tabular.schema import read_schema
from harness.data.tabular.streaming import table_stream
from harness.data.tabular.time_counts import TimeCounts, times_at
from harness.data.validation import SPLITS

ROWS, GROUP = 2000, 100
SCHEMA = """
fields = ["guest", "item", "day"]
group = "guest"
time = "ts"
where = "guest <> 3"
[labels]
y = "y"
z = "z"
[observed]
z = "guest % 2 = 0"
[split]
"""
WAYS = {
    "time": 'by = "time"\nvalid = 0.2\ntest = 0.2\n',
    "gap": 'by = "time"\ngap = "20m"\n',
    "group": 'by = "group"\ncolumn = "session"\n',
    "row": 'by = "row"\n',
    "column": 'by = "column"\ncolumn = "part"\n',
}
ORDERS: dict[str, Callable[[Any, np.random.Generator], Any]] = {
    "in order": lambda k, rng: 1_600_000_000 + k,
    "in order but for two rows": lambda k, rng: 1_600_000_000 + np.where(k == 900, 40, np.where(k == 40, 900, k)),
    "in none": lambda k, rng: 1_600_000_000 + rng.permutation(k),
    "few times": lambda k, rng: 1_600_000_000 + 60 * (k * 7919 % 31),
    "one time more than half": lambda k, rng: 1_600_000_000 + np.where(k % 9 < 5, 0, 5000 + rng.permutation(k)),
}


def log(order: str, rows: int = ROWS) -> pl.DataFrame:
    k, rng = np.arange(rows), np.random.default_rng(0)
    return pl.DataFrame(
        {
            "guest": rng.integers(0, 50, rows),
            "item": [None if i == 3 else f"item {i}" for i in rng.integers(0, 300, rows)],
            "session": [f"s{s}" if s % 5 else None for s in rng.integers(0, 400, rows)],
            "day": pl.Series(rng.integers(19000, 19010, rows)).cast(pl.Date),
            "part": [("train", "train", "valid", "test")[n % 4] for n in rng.permutation(k)],
            "ts": ORDERS[order](k, rng),
            "y": rng.integers(0, 2, rows),
            "z": [None if v == 2 else v for v in rng.integers(0, 3, rows).tolist()],
        }
    )


@pytest.fixture
def larger_than_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held; batches and drawers are of a few rows."""
    monkeypatch.setattr(ordered, "HELD", -1)
    monkeypatch.setattr(batches, "LEAST", 1)
    monkeypatch.setattr(ordered, "DRAWER", 150)


def load(folder: Path, schema: str, frame: pl.DataFrame | None = None) -> Data:
    if frame is not None:
        frame.write_parquet(folder / "log.parquet", row_group_size=GROUP)
    (folder / "schema.toml").write_text(schema)
    return stream(folder).gather()


def stream(folder: Path) -> Stream:
    read = read_schema(str(folder / "schema.toml"), ())
    return table_stream(read, data_files(str(folder / "log.parquet")), "schema", seeds.generator(0, "data"))


def content(data: Data) -> list[Any]:
    splits = [vars(getattr(data, part)) for part in SPLITS]
    return [
        {n: None if a is None else (a.dtype, a.shape, a.tobytes()) for n, a in split.items() if n != "lists"}
        for split in splits
    ]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("way", WAYS)
def test_read_in_batches_a_table_gives_the_data_that_it_gives_when_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, order: str, request: pytest.FixtureRequest
) -> None:
    held = load(tmp_path, SCHEMA + WAYS[way], log(order))
    request.getfixturevalue("larger_than_memory")
    for most in (4, 1 << 20):
        monkeypatch.setattr(look, "TimeCounts", partial(TimeCounts, most=most))
        assert content(load(tmp_path, SCHEMA + WAYS[way])) == content(held)
    times = [getattr(held, part).time_N for part in SPLITS]
    assert all((np.diff(time_N) >= 0).all() for time_N in times)


@pytest.mark.usefixtures("larger_than_memory")
@pytest.mark.parametrize("way", [way for way in WAYS if way != "gap"])
def test_pieces_are_many_and_none_is_empty(tmp_path: Path, way: str) -> None:
    load(tmp_path, SCHEMA + WAYS[way], log("in order"))
    found = stream(tmp_path)
    rows = [len(piece.ids_NF) for _, piece in found.pieces]
    assert len(rows) >= ROWS // GROUP
    assert min(rows) > 0
    assert sum(rows) == found.rows


def test_pieces_hold_ids_as_wide_as_their_columns_are(tmp_path: Path) -> None:
    load(tmp_path, SCHEMA + WAYS["time"], log("in order").with_columns(pl.col("guest").cast(pl.UInt8)))
    assert {tuple(str(id_N.dtype) for id_N in piece.ids_N or ()) for _, piece in stream(tmp_path).pieces} == {
        ("uint8", "int64", "int32")
    }


@pytest.mark.usefixtures("larger_than_memory")
def test_one_value_has_one_id_in_every_batch_and_split(tmp_path: Path) -> None:
    frame = log("in none")
    data = load(tmp_path, SCHEMA.replace('where = "guest <> 3"', "") + WAYS["row"], frame)
    rows = frame.with_columns(key=pl.col("ts")).sort("ts")
    ids = {
        int(t): row
        for part in SPLITS
        for t, row in zip(getattr(data, part).time_N, getattr(data, part).ids_NF.tolist(), strict=True)
    }
    for f, name in enumerate(("guest", "item", "day")):
        pairs = {(value, ids[t][f]) for value, t in rows.select(name, "ts").iter_rows()}
        assert len(pairs) == len({value for value, _ in pairs}) == len({code for _, code in pairs})


@pytest.mark.usefixtures("larger_than_memory")
@pytest.mark.parametrize(("odd", "refused"), [(0, True), (1, False)])
def test_a_copy_of_a_label_is_seen_over_all_batches(tmp_path: Path, odd: int, refused: bool) -> None:
    """One row in the last batch shows that it is none; a copy is refused before pieces are read."""
    y = np.arange(ROWS) // 7 % 2
    frame = pl.DataFrame({"x": np.append(1 - y[:-1], y[-1] if odd else 1 - y[-1]), "y": y, "guest": np.arange(ROWS)})
    schema = 'fields = ["x", "guest"]\n[labels]\ny = "y"\n[split]\nby = "row"\n'
    if refused:
        frame.write_parquet(tmp_path / "log.parquet")
        (tmp_path / "schema.toml").write_text(schema)
        with pytest.raises(UserError, match=r"fields.x = 'x' has the values of label 'y' .* in all 2,000 rows"):
            stream(tmp_path)
    else:
        assert load(tmp_path, schema, frame).fields == ("x", "guest")


def test_only_what_may_be_a_copy_is_read_beyond_the_first_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one value, of two that both come with 1, and of three: none of them is; of two turned around: perhaps."""
    y = np.arange(ROWS) // 7 % 2
    frame = pl.DataFrame({"one": np.ones(ROWS, int), "two": np.arange(ROWS) % 2, "three": np.arange(ROWS) % 3,
                          "turned": np.where(np.arange(ROWS) < ROWS - 1, 1 - y, y), "y": y})  # fmt: skip
    frame.write_parquet(tmp_path / "log.parquet")
    schema = 'fields = ["one", "two", "three", "turned"]\n[labels]\ny = "y"\n[split]\nby = "row"\n'
    (tmp_path / "schema.toml").write_text(schema)
    table = open_table(read_schema(str(tmp_path / "schema.toml"), ()), [tmp_path / "log.parquet"], "here")
    read, plain = list[tuple[list[str], int | None]](), Table.batches

    def noted(self: Table, places: list[str], rows: slice) -> Iterator[pl.DataFrame]:
        read.append((places, rows.stop))
        return plain(self, places, rows)

    monkeypatch.setattr(copies, "FIRST", 100)
    monkeypatch.setattr(Table, "batches", noted)
    refuse_copies(table, table.schema)
    every = ["fields.one", "fields.two", "fields.three", "fields.turned", "labels.y"]
    assert read == [(every, 100), (["fields.turned", "labels.y"], None)]


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-50, 50), min_size=1, max_size=60),
    st.integers(2, 20),
    st.integers(1, 9),
    st.booleans(),
)
def test_times_by_rank_are_those_of_sorted_times(times: list[int], most: int, size: int, ordered: bool) -> None:
    time_N = np.array(sorted(times) if ordered else times)
    parts = [time_N[at : at + size] for at in range(0, len(time_N), size)]
    counts = TimeCounts(most=most)
    for part in parts:
        counts.add(part)
    ranks = [0, len(times) // 2, len(times) - 1]

    def read(rows: slice) -> list[Ints]:
        assert rows == slice(None) or counts.ordered
        return [time_N[rows]]

    assert times_at(ranks, counts, read) == np.sort(time_N)[ranks].tolist()
    assert counts.ordered == bool((time_N[1:] >= time_N[:-1]).all())
    assert len(counts.spans()[0]) <= most
    assert counts.spans()[1].sum() == len(times)


@pytest.mark.parametrize(
    ("query", "orderly"),
    [
        ("SELECT *, guest * 2 AS u FROM data WHERE guest > 3", True),
        ("WITH few AS (SELECT * FROM data) SELECT *, CASE WHEN y = 1 THEN ts END AS u FROM few", True),
        ("SELECT * FROM data ORDER BY guest", False),
        ("SELECT *, LEAD(guest) OVER (ORDER BY ts) AS next FROM data", False),
        ("SELECT *, SUM(y) OVER (PARTITION BY guest) AS sum FROM data", False),
        ("SELECT DISTINCT * FROM data", False),
        ("SELECT * FROM data LIMIT 100", False),
        ("SELECT * FROM data JOIN (SELECT guest, SUM(y) AS sum FROM data GROUP BY guest) AS sums USING (guest)", False),
        ("SELECT * FROM data WHERE guest IN (SELECT guest FROM data WHERE y = 1)", False),
        ("SELECT * FROM data UNION ALL SELECT * FROM data", False),
    ],
)  # fmt: skip
def test_a_query_is_held_unless_it_reads_row_by_row(tmp_path: Path, query: str, orderly: bool) -> None:
    log("in order").write_parquet(tmp_path / "log.parquet")
    (tmp_path / "schema.toml").write_text(f'query = "{query}"\n{SCHEMA}{WAYS["time"]}')
    schema = read_schema(str(tmp_path / "schema.toml"), ())
    assert lazy_table(schema, [tmp_path / "log.parquet"], "schema").orderly is orderly


def test_rows_that_cannot_be_sorted_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, larger_than_memory: None
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(
        UserError, match=r"rows are not in order of time, .* No such file or directory; accepted: .*TMPDIR"
    ):
        load(tmp_path, SCHEMA + WAYS["time"], log("in none"))
    load(tmp_path, SCHEMA + WAYS["time"], log("in order"))


def test_nothing_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, larger_than_memory: None
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    load(tmp_path, SCHEMA + WAYS["time"], log("in none"))
    assert list((tmp_path / "temporary").iterdir()) == []
