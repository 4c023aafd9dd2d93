"""A column of any type that a file can hold, under any name: it is guessed, and the schema that says so is read."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.small_log import load

from harness.data.guess.first_schema import first_schema

N = 120
K = range(N)
DAY = date(2024, 5, 1)
VALUES: dict[str, tuple[Any, pl.DataType]] = {
    "bytes": ([bytes([200 + k % 9, 255]) for k in K], pl.Binary()),
    "times of the day": ([time(k % 24) for k in K], pl.Time()),
    "spans": ([timedelta(days=k % 7) for k in K], pl.Duration()),
    "dates": ([DAY + timedelta(days=k % 9) for k in K], pl.Date()),
    "instants": ([datetime(2024, 5, 1, k % 24) for k in K], pl.Datetime(time_zone="Europe/Vienna")),
    "nothing": ([None] * N, pl.Null()),
    "wide numbers": ([10**25 + k % 3 for k in K], pl.Int128()),
    "half floats": ([k % 3 for k in K], pl.Float16()),
    "numbers with a point": ([k // 4 * 1.0 if k % 9 else None for k in K], pl.Float64()),
    "decimals": ([Decimal(k % 7) / 4 for k in K], pl.Decimal(9, 2)),
    "words of a set": (["ab"[k % 5 % 2] for k in K], pl.Enum(["a", "b"])),
    "lists of words of a set": ([["ab"[k % 5 % 2]] for k in K], pl.List(pl.Categorical())),
    "lists of bytes": ([[b"\xff"]] * N, pl.List(pl.Binary())),
    "lists of spans": ([[timedelta(k % 7)] for k in K], pl.List(pl.Duration())),
    "lists of decimals": ([[Decimal("1.50")]] * N, pl.List(pl.Decimal(9, 2))),
    "lists of nothing": ([[None]] * N, pl.List(pl.Null())),
    "empty lists": ([[]] * N, pl.List(pl.Int64())),
    "empty lists as text": (["[]" if k % 3 else None for k in K], pl.String()),
    "pairs": ([[k % 3, k % 5] for k in K], pl.Array(pl.Int8(), 2)),
    "lists of lists": ([[[k % 3]] for k in K], pl.List(pl.List(pl.Int64()))),
    "structures of bytes": ([{"a": b"\xff", "b": k % 3} for k in K], pl.Struct({"a": pl.Binary(), "b": pl.Int64()})),
}


@pytest.mark.parametrize("name", ["abc", "hist", "click", "date", "price", "session_id"])
@pytest.mark.parametrize("kind", VALUES)
def test_a_column_of_any_type_is_guessed_and_read(tmp_path: Path, kind: str, name: str) -> None:
    values, dtype = VALUES[kind]
    frame = pl.DataFrame({"user": [k % 9 for k in K], "y": [k * k % 7 % 2 for k in K]})
    frame = frame.with_columns(pl.Series(name, values, dtype, strict=False))
    frame.write_parquet(tmp_path / "log.parquet")
    data = load(tmp_path, tmp_path / "log.parquet", schema=first_schema(str(tmp_path / "log.parquet")).text)
    assert "y" in data.tasks or name == "click"
