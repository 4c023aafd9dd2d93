"""A date in one column and a clock in another: one time, by which rows are split and labels are made."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from support.small_log import load

from harness.data.guess.first_schema import first_schema
from harness.data.guess.schema_text import MADE

N = 400
RNG = np.random.default_rng(0)
USER, CLICK = RNG.integers(0, 5, N), RNG.integers(0, 2, N)
AT = [datetime(2024, 4, 25, 9, 5, tzinfo=UTC) + timedelta(minutes=61 * k) for k in range(N)]
DATES: dict[str, list[Any]] = {
    "as ISO": [f"{t:%Y-%m-%d}" for t in AT],
    "as text": [f"{t:%d.%m.%Y}" for t in AT],
    "as numbers": [int(f"{t:%Y%m%d}") for t in AT],
    "as dates": [t.date() for t in AT],
}
CLOCKS: dict[str, list[Any]] = {
    "with seconds": [f"{t:%H:%M:%S}" for t in AT],
    "as Americans": [f"{t:%I:%M %p}" for t in AT],
    "as times": [t.time() for t in AT],
}


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("date", DATES)
def test_a_date_beside_a_clock_is_one_time(tmp_path: Path, date: str, clock: str) -> None:
    frame = pl.DataFrame({"name": ["Bob"] * N, "date": DATES[date], "user": USER, "time": CLOCKS[clock], "y": CLICK})
    frame.sample(fraction=1, shuffle=True, seed=0).write_parquet(tmp_path / "log.parquet")
    found = first_schema(str(tmp_path / "log.parquet"))
    assert {"date": "time", "time": "left out"}.items() <= {g.column: g.what for g in found.guesses.columns}.items()
    data = load(tmp_path, tmp_path / "log.parquet", schema=found.text)
    times = [part.time_N for part in (data.train, data.valid, data.test)]
    assert [t for time_N in times if time_N is not None for t in time_N] == [int(t.timestamp()) for t in AT]


@pytest.mark.parametrize("date", DATES)
def test_a_label_is_made_by_such_a_time(tmp_path: Path, date: str) -> None:
    """The same user within a day, as counted by hand; rows of the last day have no answer."""
    frame = pl.DataFrame({"day": DATES[date], "clock": CLOCKS["with seconds"], "user": USER, "a": CLICK + 5})
    frame.write_parquet(tmp_path / "log.parquet")
    text = first_schema(str(tmp_path / "log.parquet")).text.replace(f'{MADE}gap = "1d"', "").replace(MADE, "")
    (name,) = tomllib.loads(text)["labels"]
    data = load(tmp_path, tmp_path / "log.parquet", schema=text)
    assert data.tasks == (name,) == ("again_1d",)
    known = [k for k in range(N) if AT[k] <= AT[-1] - timedelta(days=1)]
    wanted = [any(USER[i] == USER[k] and AT[i] - AT[k] <= timedelta(days=1) for i in range(k + 1, N)) for k in known]
    found = [int(label) for part in (data.train, data.valid, data.test) for label in part.labels_NT[:, 0]]
    assert found == wanted


def test_a_log_of_apache_is_cut_at_blanks_and_its_offsets_are_read(tmp_path: Path) -> None:
    """Over the change to summer time, where an hour of the clock comes twice or never."""
    local = [t.astimezone(ZoneInfo("Europe/Vienna")) - timedelta(days=29) for t in AT]
    rows = [
        f'10.0.0.{u} - {u} [{t:%d/%b/%Y:%H:%M:%S %z}] "GET /{k % 9} HTTP/1.1" {y} "Mozilla/5.0 (X11; Linux)"\n'
        for k, (t, u, y) in enumerate(zip(local, USER, CLICK, strict=True))
    ]
    (tmp_path / "access.log").write_text("".join(rows))
    found = first_schema(str(tmp_path / "access.log"))
    assert found.rows.frame.width == 8
    assert len({t.strftime("%z") for t in local}) == 2
    data = load(tmp_path, tmp_path / "access.log", schema=found.text)
    times = [part.time_N for part in (data.train, data.valid, data.test)]
    assert [t for time_N in times if time_N is not None for t in time_N] == [int(t.timestamp()) for t in local]


@pytest.mark.parametrize(
    "columns",
    [
        {"name": ["Bob"] * N, "time": CLOCKS["with seconds"]},
        {"date": DATES["as ISO"], "time": [None, *CLOCKS["with seconds"][1:]]},
        {"date": DATES["as ISO"], "time": [f"{k % 60}:{k % 7}" for k in range(N)]},
    ],
    ids=["no date", "a row without", "no clock"],
)
def test_a_clock_without_a_date_and_what_is_no_clock_are_no_part_of_a_time(
    tmp_path: Path, columns: dict[str, list[Any]]
) -> None:
    pl.DataFrame({**columns, "y": CLICK}).write_parquet(tmp_path / "log.parquet")
    found = first_schema(str(tmp_path / "log.parquet")).guesses
    assert not any(each.why == "a part of the time" for each in found.columns)
