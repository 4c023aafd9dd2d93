"""Folders of Hive's: of one type in all formats, and parts of a time by which rows can be split."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from support.small_log import WRITERS, load

from harness.data.guess.first_schema import first_schema
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.files import data_files, digest_of
from harness.data.tabular.scans import scan

HOURS = [datetime(2024, 4, 28, 5) + timedelta(hours=29 * n) for n in range(12)]
FOLDERS = {
    "year=%Y/month=%m/day=%d": "%Y-%m-%d",
    "year=%Y/month=%m/day=%d/hour=%H": "%Y-%m-%d %H",
    "year=%Y/month=%-m/day=%-d/hour=%-H": "%Y-%m-%d %H",
    "dt=%Y-%m-%d/hour=%H": "%Y-%m-%d %H",
    "dt=%Y%m%d/hour=%H": "%Y-%m-%d %H",
    "dt=%Y-%m-%d": "%Y-%m-%d",
    "dt=%Y%m%d": "%Y-%m-%d",
}
"""How folders are named, and what of a moment they tell."""


def written(folder: Path, name: str, kind: str) -> Path:
    for n, moment in enumerate(HOURS):
        (place := folder / moment.strftime(name)).mkdir(parents=True, exist_ok=True)
        rows = pl.DataFrame({"user": [f"u{k % 7}" for k in range(n, n + 20)], "y": [k % 2 for k in range(20)]})
        getattr(rows, WRITERS[kind])(place / f"{n}.{kind}")
    return folder


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("name", FOLDERS)
def test_folders_are_a_time_by_which_rows_are_split(tmp_path: Path, name: str, kind: str) -> None:
    logs = written(tmp_path / "logs", name, kind)
    text = first_schema(str(logs)).text
    assert 'by = "time"' in text
    data = load(tmp_path, logs, schema=text)
    told = sorted(datetime.strptime(each.strftime(FOLDERS[name]), FOLDERS[name]) for each in HOURS for _ in range(20))
    seconds = [int((each - datetime(1970, 1, 1)).total_seconds()) for each in told]
    times = [part.time_N for part in (data.train, data.valid, data.test)]
    assert [t for time_N in times if time_N is not None for t in time_N] == seconds


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (("07", "8"), pl.Int64),
        (("-1", "0"), pl.Int64),
        (("07", "7"), pl.String),
        (("1.5", "2"), pl.String),
        (("1", "x"), pl.String),
        (("123456789012345678901", "1"), pl.String),
        (("1", "__HIVE_DEFAULT_PARTITION__"), pl.Int64),
    ],
)
def test_what_folders_say_is_of_one_type_in_all_formats(
    tmp_path: Path, values: tuple[str, str], dtype: type[pl.DataType]
) -> None:
    known = [None if value[0] == "_" else int(value) if dtype == pl.Int64 else value for value in values]
    for kind in WRITERS:
        for value in values:
            (place := tmp_path / kind / f"p={value}").mkdir(parents=True)
            getattr(pl.DataFrame({"a": [1]}), WRITERS[kind])(place / f"rows.{kind}")
        column = scan(data_files(str(tmp_path / kind)), Csv(), ()).frame.collect()["p"]
        assert column.dtype == dtype
        assert sorted(column, key=str) == sorted(known, key=str)


def test_what_folders_say_is_in_the_digest(tmp_path: Path) -> None:
    written(tmp_path / "a", "dt=%Y%m%d", "csv")
    (tmp_path / "a" / "dt=20240428").rename(tmp_path / "a" / "dt=20230428")
    written(tmp_path / "b", "dt=%Y%m%d", "csv")
    assert len({digest_of(data_files(str(tmp_path / name))) for name in "ab"}) == 2
