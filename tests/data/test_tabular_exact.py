"""Tables whose right reading is known: integers that would wrap, ids that would merge, names that SQL reserves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.api import Data
from harness.base.errors import UserError
from harness.base.seeds import generator
from harness.data.tabular.expressions import expression, widened
from harness.data.validation import Checker
from harness.plugins.registry import Registry, build

REGISTRY = Registry()
PARTS = ("train", "valid", "test")


def read(folder: Path, frame: pl.DataFrame | str, schema: str) -> Data:
    """The data set of a table and a schema."""
    if isinstance(frame, str):
        path = folder / "rows.csv"
        path.write_text(frame)
    else:
        path = folder / "rows.parquet"
        frame.write_parquet(path)
    (folder / "schema.toml").write_text(schema)
    values: dict[str, Any] = {"schema": str(folder / "schema.toml"), "path": str(path)}
    return build(REGISTRY.datasets, "data set", "table_file", values).build(generator(0, "test"))


def positives(data: Data) -> int:
    return sum(int(getattr(data, part).labels_NT.sum()) for part in PARTS)


def distinct(data: Data) -> int:
    return len(np.unique(np.concatenate([getattr(data, part).ids_NF[:, 0] for part in PARTS])))


def slots(dtype: Any, **more: str) -> tuple[pl.DataFrame, str]:
    rows = [(h, w) for h in range(24) for w in range(7)] * 3
    frame = pl.DataFrame(
        {
            "hour": pl.Series([h for h, _ in rows], dtype=dtype),
            "weekday": pl.Series([w for _, w in rows], dtype=dtype),
            "t": list(range(len(rows))),
            "y": [k % 2 for k in range(len(rows))],
        }
    )
    head = "\n".join(f"{key} = {value}" for key, value in more.items())
    return frame, f'{head}\ntime = "t"\n[labels]\ny = "y"\n[split]\nby = "time"\n'


@pytest.mark.parametrize("dtype", [pl.UInt32, pl.UInt64, pl.Int64])
@pytest.mark.parametrize("query", ["", 'query = "SELECT *, came - ordered AS late FROM data"\n'])
def test_a_difference_of_unsigned_columns_is_negative_where_it_is(tmp_path: Path, dtype: Any, query: str) -> None:
    ordered = [1_600_000_000 + 977 * k for k in range(400)]
    came = [o + (-50 if k % 3 == 0 else 3600 if k % 3 == 1 else 90_000) for k, o in enumerate(ordered)]
    columns = {"ordered": pl.Series(ordered, dtype=dtype), "came": pl.Series(came, dtype=dtype)}
    frame = pl.DataFrame({"buyer": [k % 37 for k in range(400)], **columns})
    late = "late" if query else "came - ordered"
    schema = f'fields = ["buyer"]\ntime = "ordered"\n{query}[labels]\nfast = "{late} < 86400"\n[split]\nby = "time"\n'
    assert positives(read(tmp_path, frame, schema)) == 267


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.Int16, pl.Int64])
def test_a_combined_id_of_small_columns_merges_none(tmp_path: Path, dtype: Any) -> None:
    assert distinct(read(tmp_path, *slots(dtype, fields='{ slot = "hour * 100 + weekday" }'))) == 168


def test_ids_of_expressions_are_exact_integers(tmp_path: Path) -> None:
    data = read(tmp_path, *slots(pl.Int32, fields='{ slot = "hour * 100000000000 - 5" }'))
    assert set(np.unique(data.train.ids_NF)) <= {h * 10**11 - 5 for h in range(24)}


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=6), st.sampled_from("+-*"))
def test_no_sum_difference_or_product_of_two_columns_wraps(values: list[int], operator: str) -> None:
    frame = pl.DataFrame({"a": pl.Series(values, dtype=pl.Int64), "b": pl.Series(values[::-1], dtype=pl.Int64)})
    found = widened(frame.lazy()).select(expression(frame.schema, "fields.x", f"a {operator} b", "schema")).collect()
    want = [{"+": a + b, "-": a - b, "*": a * b}[operator] for a, b in zip(values, values[::-1], strict=True)]
    assert found.to_series().to_list() == want


WHOLE = (0, 7, -3, 10**17, None)
EVERYWHERE = """
group = "user"
time = "at"
[fields]
user = "user"
same = { id = "user", shares = "user" }
small = "user % 10"
pair = { cross = ["user", "small"] }
bag = "bag"
seen = { history = { of = "user", by = "user", last = 3 } }
[labels]
y = "y"
[split]
by = "time"
[sample]
by = "small"
keep = 0.7
"""


@pytest.mark.parametrize(("digits", "beyond"), [(18, ()), (38, (2**63 + 5, -(2**63) - 5, 10**30, 2**53 + 1))])
@pytest.mark.parametrize("write", ["write_parquet", "write_ipc"])
def test_decimals_without_a_fraction_are_the_whole_numbers_they_are(
    tmp_path: Path, digits: int, beyond: tuple[int, ...], write: str
) -> None:
    """The same data, wherever the schema reads them."""
    values = [*WHOLE, *beyond] * 40
    rows, wide = range(len(values)), pl.Int128 if beyond else pl.Int64
    whole = pl.DataFrame(
        {
            "user": pl.Series(values, dtype=wide),
            "small": pl.Series([row % 6 for row in rows], dtype=pl.Int64),
            "bag": pl.Series([[value, row % 3] for row, value in enumerate(values)], dtype=pl.List(wide)),
            "at": pl.Series([1_600_000_000 + row for row in rows], dtype=pl.Int64),
            "y": pl.Series([row // 3 % 2 for row in rows], dtype=pl.Int64),
        }
    )
    kind = pl.Decimal(digits, 0)
    written = whole.cast(pl.Schema([*((name, kind) for name in ("user", "small", "at", "y")), ("bag", pl.List(kind))]))
    (tmp_path / "schema.toml").write_text(EVERYWHERE)
    found = list[Data]()
    for name, frame in (("whole", whole), ("decimal", written)):
        getattr(frame, write)(tmp_path / name)
        params = {"schema": str(tmp_path / "schema.toml"), "path": str(tmp_path / name)}
        found.append(build(REGISTRY.datasets, "data set", "table_file", params).build(generator(0, "test")))
    assert found[1].fields == ("user", "same", "small", "pair")
    assert found[1].kinds == found[0].kinds
    for part in PARTS:
        of_whole, of_decimal = (getattr(data, part) for data in found)
        assert np.array_equal(of_whole.ids_NF, of_decimal.ids_NF)
        assert np.array_equal(of_whole.group_N, of_decimal.group_N)
        assert np.array_equal(of_whole.time_N, of_decimal.time_N)
        assert np.array_equal(of_whole.labels_NT, of_decimal.labels_NT)
        for a, b in zip(of_whole.lists, of_decimal.lists, strict=True):
            assert np.array_equal(a.values_M, b.values_M)
            assert np.array_equal(a.length_N, b.length_N)


def test_ids_with_zeros_in_front_are_not_merged_in_silence(tmp_path: Path) -> None:
    rows = "".join(f'"{"007" if k % 2 else "7"}",{k},{k // 2 % 2}\n' for k in range(40))
    schema = 'fields = ["shop"]\ntime = "t"\n{}[labels]\ny = "y"\n[split]\nby = "time"\n'
    with pytest.raises(UserError, match=r'column "shop" has ids with zeros in front, as "007".*text = \["shop"\]'):
        read(tmp_path, f"shop,t,y\n{rows}", schema.format(""))
    assert distinct(read(tmp_path, f"shop,t,y\n{rows}", schema.format('text = ["shop"]\n'))) == 2
    padded = "".join(f"0{k % 10},{k},{k // 2 % 2}\n" for k in range(40))
    assert distinct(read(tmp_path, f"shop,t,y\n{padded}", schema.format(""))) == 10, "nothing is merged here"


@pytest.mark.parametrize("label", ["bought", "bought = 1", "came - left < 5"])
@pytest.mark.parametrize("written", ["{}", " {} ", "({})", "CAST({} AS VARCHAR)"])
def test_a_label_among_the_fields_is_refused(tmp_path: Path, label: str, written: str) -> None:
    frame = pl.DataFrame({"guest": [0, 1], "bought": [0, 1], "came": [0, 1], "left": [0, 1]})
    field = written.format(label)
    schema = (
        f'group = "guest"\n[fields]\nx = "{field}"\n[labels]\nb = "{label}"\n[split]\nby = "group"\ncolumn = "guest"\n'
    )
    with pytest.raises(UserError, match="is the label 'b' itself"):
        read(tmp_path, frame, schema)


@pytest.mark.parametrize(
    ("field", "refused"),
    [
        ("1 - bought", True),
        ("CASE WHEN bought = 1 THEN 'yes' ELSE 'no' END", True),
        ("again", True),
        ("where_known", True),
        ("bought + 2 * (guest % 2)", False),
        ("CASE WHEN guest = 7 THEN 1 - bought ELSE bought END", False),
        ("guest % 2", False),
    ],
)
def test_the_values_of_a_label_under_other_names_are_refused(tmp_path: Path, field: str, refused: bool) -> None:
    """Renamed by the query, turned around, or known only where the label is."""
    bought = pl.Series([k // 3 % 2 for k in range(100)])
    frame = pl.DataFrame({"guest": range(100), "bought": bought})
    frame = frame.with_columns(where_known=pl.when(pl.col("guest") < 90).then(pl.col("bought")).otherwise(9))
    schema = f"""
query = "SELECT *, bought AS again FROM data"
fields = {{ x = "{field}" }}
[labels]
b = "bought + 0"
[observed]
b = "guest < 90"
[split]
by = "group"
column = "guest"
"""
    if refused:
        with pytest.raises(UserError, match="has the values of label 'b' under other names, in all 90 rows"):
            read(tmp_path, frame, schema)
    else:
        assert read(tmp_path, frame, schema).fields == ("x",)


@pytest.mark.parametrize(
    ("field", "refused"),
    [
        ("3.5 - 2 * bought", True),
        ("NULLIF(0.5 * bought, 0)", True),
        ("SQRT(bought - 0.5)", True),
        ("guest / 7.0", False),
    ],
)
@pytest.mark.parametrize("buckets", ["", ", buckets = 4"])
def test_a_number_that_is_a_label_is_refused(tmp_path: Path, field: str, refused: bool, buckets: str) -> None:
    frame = pl.DataFrame({"guest": range(100), "bought": [k // 3 % 2 for k in range(100)]})
    number = f'{{ number = "{field}"{buckets} }}'
    schema = f'fields = {{ g = "guest", x = {number} }}\n[labels]\nb = "bought"\n[split]\nby = "row"\n'
    if refused:
        with pytest.raises(
            UserError, match=r"fields\.x = .* has the values of label 'b' under other names, in all 100"
        ):
            read(tmp_path, frame, schema)
    else:
        assert "x" in (data := read(tmp_path, frame, schema)).fields + data.kinds.names


def test_a_handful_of_rows_shows_no_copy(tmp_path: Path) -> None:
    frame = pl.DataFrame({"guest": range(12), "door": [k % 2 for k in range(12)], "bought": [k % 2 for k in range(12)]})
    schema = 'fields = ["door"]\n[labels]\nb = "bought"\n[split]\nby = "group"\ncolumn = "guest"\n'
    assert positives(read(tmp_path, frame, schema)) == 6


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ('{ u = "user % 1000", o = "order", i = "item-id" }', "user > 0"),
        ('{ u = "end % 10", o = "order * 2", i = "item-id + 1" }', "item-id > 0 AND order > 0"),
        ('{ u = "user", o = "order", i = "(item-id * 10 + user) % 7" }', "group IN (0, 1)"),
    ],
)
def test_names_that_sql_reserves_or_that_hold_a_dash_are_columns(tmp_path: Path, fields: str, where: str) -> None:
    names = ("user", "order", "item-id", "group", "end")
    frame = pl.DataFrame({n: [k % (5 + i) + 1 for k in range(60)] for i, n in enumerate(names)})
    frame = frame.with_columns(
        group=pl.col("group") % 2, y=pl.Series([k % 2 for k in range(60)]), t=pl.Series(range(60))
    )
    schema = f'fields = {fields}\ntime = "t"\nwhere = "{where}"\n[labels]\ny = "y"\n[split]\nby = "time"\n'
    assert sum(len(getattr(read(tmp_path, frame, schema), part).ids_NF) for part in PARTS) == 60


READS = (
    "read_csv('b.csv')",
    "read_parquet ('b.csv')",
    """ "read_csv"('b.csv')""",
    "`read_csv`('b.csv')",
    "READ_CSV/* so */('b.csv')",
    "read_csv -- so\n('b.csv')",
)
"""Ways to read another file in SQL."""
HIDDEN = ("$$'$$ AS x", "/* /* */ ' */ 1 AS x", "E'\\'' AS x", "q'[']' AS x", "'it''s' AS x")
"""What another reader of SQL may take for the beginning of a string, up to the next quote."""


def refused(tmp_path: Path, **keys: str) -> None:
    """The other file is not even opened: it does not exist, and the message is not that."""
    frame, schema = slots(pl.Int64, **{"fields": '["hour"]'} | {key: json.dumps(sql) for key, sql in keys.items()})
    with pytest.raises(UserError, match=r"reads another file, by (?i:read_(csv|parquet)); .* alone"):
        read(tmp_path, frame, schema)


@pytest.mark.parametrize("source", READS)
def test_a_query_that_reads_another_file_is_refused(tmp_path: Path, source: str) -> None:
    refused(tmp_path, query=f"SELECT * FROM {source}")
    refused(tmp_path, query=f"SELECT * FROM data WHERE hour IN (SELECT hour FROM {source})")


@pytest.mark.parametrize("hidden", HIDDEN)
def test_so_is_one_that_hides_it_in_what_looks_like_a_string(tmp_path: Path, hidden: str) -> None:
    refused(tmp_path, query=f"SELECT {hidden}, * FROM read_csv('b.csv') -- '")


@pytest.mark.parametrize("source", READS)
def test_so_is_an_expression_that_does(tmp_path: Path, source: str) -> None:
    refused(tmp_path, where=f"hour < (SELECT MAX(hour) FROM {source})")
    refused(tmp_path, group=f"(SELECT MAX(hour) FROM {source})")


@pytest.mark.parametrize("query", ["SELECT *, 'read_csv(x)' AS note FROM data", "SELECT *, t AS read_at FROM data"])
def test_a_query_may_speak_of_such_a_function(tmp_path: Path, query: str) -> None:
    frame, schema = slots(pl.Int64, fields='["hour"]', query=json.dumps(query))
    assert distinct(read(tmp_path, frame, schema)) == 24


def days(*rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user": [k % 9 for n in rows for k in range(n)],
            "day": [20240101 + d for d, n in enumerate(rows) for _ in range(n)],
            "y": [k % 2 for n in rows for k in range(n)],
        }
    )


DAYS = 'fields = ["user"]\ntime = "day"\n[labels]\ny = "y"\n[split]\nby = "time"\n'


@pytest.mark.parametrize("rows", [(100, 100, 100), (10, 10, 300), (300, 20, 10, 10), (2, 2, 400)])
def test_a_split_that_would_be_empty_says_why_and_which_shares_work(tmp_path: Path, rows: tuple[int, ...]) -> None:
    shares = "valid = 0.01\ntest = 0.01\n"
    with pytest.raises(UserError, match=f"time has {len(rows)} distinct values") as refused:
        read(tmp_path, days(*rows), DAYS + shares)
    offered = str(refused.value).rpartition("as valid = ")[2].replace("test", "\ntest").replace(",", "")
    data = read(tmp_path, days(*rows), f"{DAYS}valid = {offered}\n")
    assert [len(getattr(data, part).ids_NF) for part in PARTS] == [sum(rows[:-2]), rows[-2], rows[-1]]


def test_two_days_cannot_be_split_in_three(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="three times at least"):
        read(tmp_path, days(50, 50), DAYS)


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a\nb", "", " a", "x" * 101, 'a"b', "a|b"])
@pytest.mark.parametrize("what", ["field", "task"])
def test_names_that_would_tear_records_apart_are_refused(name: str, what: str) -> None:
    with pytest.raises(UserError, match=f"{what} name .* is not accepted"):
        Checker("mine", *((name,), ("click",)) if what == "field" else (("user",), (name,)))


@pytest.mark.parametrize("name", ["click", "add to cart (7d)", "utilisateur_é", "item-id", "hour*weekday", "ctr%"])
def test_names_that_people_give_are_accepted(name: str) -> None:
    Checker("mine", (name,), (name,))
