"""Periods of a log: its days, parts of rows without times, and no axis that an odd date stretches."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.engine import make_data, store

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.periods import cut, rows

START, DAY = 1_600_000_000, 86_400


def stored(folder: Path, time_N: npt.NDArray[np.int64] | None, size: int = 100) -> IndexedDataset:
    """Splits of size, size / 2 and size / 2 rows, in order of time."""
    parts = np.split(np.arange(2 * size), [size, size + size // 2])
    data = make_data(*(np.stack([part, part], axis=1) for part in parts))
    if time_N is not None:
        splits = {
            name: dataclasses.replace(getattr(data, name), time_N=time_N[part])
            for name, part in zip(("train", "valid", "test"), parts, strict=True)
        }
        data = dataclasses.replace(data, **splits)
    return store(data, folder / "data")


@pytest.mark.parametrize(
    ("span", "unit", "periods"),
    [(10 * DAY, "day", 11), (3 * DAY, "day", 4), (100 * DAY, "week", 15), (2 * 365 * DAY, "4 weeks", 27)],
)
def test_the_unit_leaves_days_or_few_periods(tmp_path: Path, span: int, unit: str, periods: int) -> None:
    data = stored(tmp_path, np.linspace(START, START + span, 200).astype(np.int64))
    found = cut(data)
    assert (found.unit, found.dated) == (unit, True)
    assert abs(len(found) - periods) <= 1
    assert found.starts[0] <= START
    assert rows(data, found).sum() == 200
    assert found.until is not None
    assert found.until == pytest.approx(len(found) / 2, abs=1)


def test_short_logs_of_many_rows_are_cut_finer(tmp_path: Path) -> None:
    found = cut(stored(tmp_path, np.linspace(START, START + 6900, 6000).astype(np.int64), 3000))
    assert found.unit == "5 minutes"
    assert len(found) in (24, 25)


def test_a_few_dates_years_off_stretch_nothing(tmp_path: Path) -> None:
    time_N = np.linspace(START, START + 9 * DAY, 6000).astype(np.int64)
    time_N[[0, -1]] = 100 * DAY, START + 9000 * DAY
    data = stored(tmp_path, time_N, 3000)
    found = cut(data)
    assert (found.unit, len(found)) == ("day", 10)
    assert rows(data, found).sum() == 6000


@pytest.mark.parametrize("time", [0, START])
def test_times_that_are_all_the_same_are_one_period(tmp_path: Path, time: int) -> None:
    found = cut(stored(tmp_path, np.full(200, time)))
    assert (len(found), found.unit, found.dated) == (1, "second" if time == 0 else found.unit, time > 0)


def test_rows_without_times_are_equal_parts_in_their_order(tmp_path: Path) -> None:
    data = stored(tmp_path, None)
    found = cut(data)
    assert rows(data, found).tolist() == [10] * 20
    assert (found.unit, found.until) == ("part", 10.0)
    assert found.of(data, "valid", slice(0, 25)).tolist() == [10] * 10 + [11] * 10 + [12] * 5


def test_splits_that_do_not_follow_each_other_have_no_cut(tmp_path: Path) -> None:
    time_N = START + DAY * (np.arange(200) % 10)
    data = stored(tmp_path, np.concatenate([np.sort(time_N[:100]), np.sort(time_N[100:150]), np.sort(time_N[150:])]))
    assert cut(data).until is None
