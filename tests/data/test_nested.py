"""Parts of nested columns, `user.geo.city`, are columns as others are: in expressions, fields and a first schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.small_log import ROWS, SCHEMA, WRITERS, content, load, log

from harness.api import UserError
from harness.data.guess.first_schema import first_schema
from harness.data.guess.guess import guess
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.expressions import expression, widened
from harness.data.tabular.files import data_files
from harness.data.tabular.scans import scan

KINDS = [kind for kind in WRITERS if kind != "csv"]
NESTED = """
fields = {{ user = {user}, item = {item} }}
time = "at.ts"
[labels]
y = {y}
[split]
by = "time"
"""


def nested() -> pl.DataFrame:
    """The small log in parts: `who` has two levels, and a user is named as a word of SQL is."""
    inner = pl.struct(pl.col("user").alias("order"))
    who = pl.struct(inner.alias("in a"), pl.col("item").alias("item"))
    return log().select(who.alias("user"), pl.struct("ts", pl.col("y").alias("y.1")).alias("at"))


def plain(user: str = '"user.in a.order"', item: str = '"user.item"', y: str = '"at.y.1"') -> str:
    return NESTED.format(user=user, item=item, y=y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "written",
    [{}, {"user": '\'"user"."in a"."order" + 0\'', "y": '\'"at"."y.1" > 0\''}],
)
def test_parts_are_columns_as_others_are(tmp_path: Path, kind: str, written: dict[str, str]) -> None:
    log().write_parquet(tmp_path / "wanted.parquet")
    wanted = content(load(tmp_path, tmp_path / "wanted.parquet"))
    getattr(nested(), WRITERS[kind])(tmp_path / f"log.{kind}")
    assert content(load(tmp_path, tmp_path / f"log.{kind}", schema=plain(**written))) == wanted


def test_a_query_has_them_too(tmp_path: Path) -> None:
    log().write_parquet(tmp_path / "wanted.parquet")
    nested().write_parquet(tmp_path / "log.parquet")
    sql = 'SELECT "at"."y.1" AS y, "user"."in a"."order" AS "user", "user".item AS item, "at".ts AS ts FROM data'
    found = load(tmp_path, tmp_path / "log.parquet", schema=f"query = '{sql}'\n{SCHEMA}")
    assert content(found) == content(load(tmp_path, tmp_path / "wanted.parquet"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_parts_is_no_value(tmp_path: Path, kind: str) -> None:
    getattr(nested(), WRITERS[kind])(tmp_path / f"log.{kind}")
    with pytest.raises(
        UserError, match=r"fields\.item = 'user' is nested; accepted: a part of it, as user\.in a, user"
    ):
        load(tmp_path, tmp_path / f"log.{kind}", schema=plain(item='"user"'))
    for sql in ("user.town", "user.town + 1"):
        with pytest.raises(UserError, match=r"fields\.item = 'user\.town.*' is not accepted: there is no part 'town'"):
            load(tmp_path, tmp_path / f"log.{kind}", schema=plain(item=f'"{sql}"'))


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_some_files_have_is_null_in_the_others(tmp_path: Path, kind: str) -> None:
    (tmp_path / "logs").mkdir()
    parts = [{"id": 1}, {"id": 2, "geo": {"city": "x"}}, {"geo": {"city": "y", "zip": 7}}]
    for number, part in enumerate(parts):
        getattr(pl.DataFrame({"n": [number], "u": [part]}), WRITERS[kind])(tmp_path / "logs" / f"{number}.{kind}")
    frame = scan(data_files(str(tmp_path / "logs")), Csv(), ()).frame.collect()
    flat = widened(frame.lazy()).select(
        *(expression(frame.schema, "fields", f"u.{name}", "x").alias(name) for name in ("id", "geo.city", "geo.zip"))
    )
    assert flat.collect().rows() == [(1, None, None), (2, "x", None), (None, "y", 7)]


WHOLE = [pl.Int8, pl.Int32, pl.UInt16, pl.Int64]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dtype=st.sampled_from(WHOLE), share=st.floats(0, 1), times=st.integers(1, 10**9))
def test_no_product_of_parts_wraps(dtype: Any, share: float, times: int) -> None:
    number = int(share * int(pl.select(dtype.max()).item()))
    frame = pl.DataFrame({"u": [{"n": number}]}, schema={"u": pl.Struct({"n": dtype})})
    found = expression(frame.schema, "fields", f"u.n * {times} - 1", "x")
    assert widened(frame.lazy()).select(found).collect().item() == number * times - 1


def test_a_first_schema_has_their_names(tmp_path: Path) -> None:
    rows = [
        {
            "context": {"ts": f"2024-05-{1 + n // 24:02}T{n % 24:02}:00:00", "user": {"id": f"u{n % 17}"}},
            "product": {"id": n % 7 + 10, "price": n / 8},
            "outcome": {"clicked": n % 3 == 0},
            "seen": [{"id": 1}],
        }
        for n in range(ROWS)
    ]
    frame = pl.DataFrame(rows)
    frame.write_ndjson(tmp_path / "log.jsonl")
    found = {each.column: (each.what, each.entries) for each in guess(frame, True).columns}
    assert found["context.ts"] == ("time", {"time": "context.ts"})
    assert found["context.user.id"] == ("id", {"context_user_id": "context.user.id"})
    assert found["product.price"][0] == "number"
    assert found["outcome.clicked"] == ("label", {"outcome_clicked": "outcome.clicked"})
    assert found["seen"][0] == "left out"
    text = first_schema(str(tmp_path / "log.jsonl")).text
    assert 'group = "context.user.id"' in text
    data = load(tmp_path, tmp_path / "log.jsonl", schema=text)
    assert data.train.labels_NT.mean() == pytest.approx(1 / 3, abs=0.01)


def test_a_column_goes_before_a_part_of_its_name() -> None:
    frame = pl.DataFrame({"u.id": [1, 2], "u": [{"id": 3}, {"id": 4}]})
    (told,) = guess(frame, True).columns
    assert told.column == "u.id"
    assert widened(frame.lazy()).select(expression(frame.schema, "fields", "u.id", "x")).collect().item(0, 0) == 1
