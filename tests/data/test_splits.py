"""Which rows are held out: by time with a gap, by row, or by a column."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.api import Data, UserError
from harness.base import seeds
from harness.data.tabular.conversion import NULL
from harness.data.tabular.splits import time_cuts
from harness.data.tabular.time_counts import TimeCounts
from harness.data.validation import SPLITS
from harness.plugins.registry import Registry, build

ROWS, DAY = 1000, 86_400
SCHEMA = """
fields = ["user"]
time = "ts"
[labels]
y = "y"
[split]
"""


def log() -> pl.DataFrame:
    """A row an hour."""
    k = np.arange(ROWS)
    part = np.where(k % 10 == 0, "valid", np.where(k % 10 == 1, "test", "train"))
    return pl.DataFrame({"user": k % 7, "y": k % 3 == 0, "ts": 1_600_000_000 + 3600 * k, "part": part})


def load(folder: Path, split: str, frame: pl.DataFrame | None = None, seed: int = 0) -> Data:
    (log() if frame is None else frame).write_parquet(folder / "log.parquet")
    (folder / "schema.toml").write_text(SCHEMA + split)
    params: dict[str, Any] = {"schema": str(folder / "schema.toml"), "path": str(folder / "log.parquet")}
    return build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(seed, "data"))


def times(data: Data) -> list[np.ndarray[Any, Any]]:
    parts = [getattr(data, part).time_N for part in SPLITS]
    assert all(time_N is not None for time_N in parts)
    return parts


def test_a_gap_leaves_out_the_last_rows_of_train(tmp_path: Path) -> None:
    whole, apart = times(load(tmp_path, 'by = "time"')), times(load(tmp_path, 'by = "time"\ngap = "2d"'))
    assert [part.tolist() for part in apart[1:]] == [part.tolist() for part in whole[1:]]
    assert apart[0].tolist() == whole[0][whole[0] < whole[1].min() - 2 * DAY].tolist()
    assert len(whole[0]) - len(apart[0]) == 48


def test_rows_of_another_unit_than_the_first_are_refused(tmp_path: Path) -> None:
    """They would all be the latest, and test by themselves."""
    mixed = pl.concat([log(), log().with_columns(pl.col("ts") * 1000)])
    with pytest.raises(UserError, match=r"'ts' is seconds in the first rows, and 1603[0-9]*000 in another"):
        load(tmp_path, 'by = "time"', mixed)
    (tmp_path / "schema.toml").write_text('time_unit = "s"\n' + SCHEMA + 'by = "time"')
    params: dict[str, Any] = {"schema": str(tmp_path / "schema.toml"), "path": str(tmp_path / "log.parquet")}
    build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))


def test_rows_without_a_group_are_each_a_group_of_their_own(tmp_path: Path) -> None:
    """As one group, four rows in ten would lie in one split."""
    frame = log().with_columns(user=pl.when(pl.col("user") < 3).then(None).otherwise(pl.col("ts") // 36_000))
    data = load(tmp_path, 'by = "group"\ncolumn = "user"', frame)
    without = [part.ids_NF[:, 0] == NULL for part in (data.train, data.valid, data.test)]
    lost = sum(map(np.count_nonzero, without))
    assert all(
        abs(np.count_nonzero(part) / lost - share) < 0.1 for part, share in zip(without, (0.8, 0.1, 0.1), strict=True)
    )
    (tmp_path / "schema.toml").write_text('group = "user"\n' + SCHEMA + 'by = "time"')
    params: dict[str, Any] = {"schema": str(tmp_path / "schema.toml"), "path": str(tmp_path / "log.parquet")}
    again = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    group_N = again.train.group_N
    assert group_N is not None
    alone_N = group_N[again.train.ids_NF[:, 0] == NULL]
    assert len(np.unique(alone_N)) == len(alone_N) > 100
    assert set(group_N) - set(alone_N) == set(again.train.ids_NF[:, 0]) - {NULL}


@given(st.lists(st.integers(0, 10**6), min_size=30, max_size=200), st.integers(0, 10**5))
def test_no_row_of_the_gap_is_left(times_: list[int], gap: int) -> None:
    time_N, counts = np.array(times_), TimeCounts()
    counts.add(time_N)
    try:
        cuts = time_cuts(counts, lambda rows: [time_N[rows]], (0.2, 0.2), gap, "here")
    except UserError:
        return
    part_N = cuts.parts(time_N)
    assert time_N[part_N == 0].max() < time_N[part_N == 1].min() - gap
    assert time_N[part_N == 1].max() < time_N[part_N == 2].min()


@given(
    st.lists(st.integers(0, 60), min_size=30, max_size=80),
    st.integers(1, 5),
    st.floats(0.02, 0.15),
    st.floats(0.02, 0.2),
    st.integers(0, 3),
)
def test_test_windows_lie_one_after_another_and_the_last_is_the_plain_split(
    times_: list[int], rolling: int, test: float, valid: float, gap: int
) -> None:
    time_N, counts = np.array(times_), TimeCounts()
    counts.add(time_N)
    try:
        cuts = [
            time_cuts(counts, lambda rows: [time_N[rows]], (valid, test), gap, "here", later)
            for later in range(rolling)
        ]
    except UserError:
        return
    assert cuts[0] == time_cuts(counts, lambda rows: [time_N[rows]], (valid, test), gap, "here")
    origins = [[time_N[each.parts(time_N) == part] for part in range(3)] for each in reversed(cuts)]
    windows = [held_out for _, _, held_out in origins]
    assert sorted(np.concatenate(windows)) == sorted(time_N[time_N >= windows[0].min()]), "from there on, each row once"
    assert all(earlier.max() < later.min() for earlier, later in pairwise(windows))
    for train, chosen, held_out in origins:
        assert chosen.max() < held_out.min()
        assert sorted(train) == sorted(time_N[time_N < chosen.min() - gap]), "everything before"


def test_an_origin_is_data_of_its_own(tmp_path: Path) -> None:
    def of(split: str, **params: Any) -> tuple[Data, Any]:
        (tmp_path / "schema.toml").write_text(SCHEMA + split)
        log().write_parquet(tmp_path / "log.parquet")
        values = {"schema": str(tmp_path / "schema.toml"), "path": str(tmp_path / "log.parquet"), **params}
        plugin = build(Registry().datasets, "data set", "table_file", values)
        return plugin.build(seeds.generator(0, "data")), plugin

    rolling = 'by = "time"\nrolling = 4\ntest = 0.1\nvalid = 0.05\n'
    found = [of(rolling, origin=k) for k in range(4)]
    spans = [[(t.min() - 1_600_000_000, t.max() - 1_600_000_000) for t in times(data)] for data, _ in found]
    hours = [[(first // 3600, last // 3600) for first, last in span] for span in spans]
    assert hours == [
        [(0, 549), (550, 599), (600, 699)],
        [(0, 649), (650, 699), (700, 799)],
        [(0, 749), (750, 799), (800, 899)],
        [(0, 849), (850, 899), (900, 999)],
    ]
    last, plugin = of(rolling)
    assert [t.tolist() for t in times(last)] == [t.tolist() for t in times(found[-1][0])]
    assert len({str(each.fingerprint()) for _, each in found}) == 4
    assert plugin.fingerprint() == found[-1][1].fingerprint(), "the same data has one key"
    assert [plugin.repetition(n) for n in range(4)] == [{"origin": n} for n in range(4)]
    assert found[1][1].repetition(3) == {}, "an origin that the plan names stays"
    with pytest.raises(UserError, match=r"rolling = 4 is less than the seeds of the plan.*4 seeds at most"):
        plugin.repetition(4)
    with pytest.raises(UserError, match=r"origin = 4 is none of .*accepted: 0 to 3, as split.rolling = 4, or -1"):
        of(rolling, origin=4)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ('by = "time"\ngap = "90"', "'90' is no time; accepted: a number and a unit, as 90d, 12h, 30m, 45s or 2w"),
        ('by = "row"\ngap = "2d"', 'gap = "2d" is between times'),
        ('by = "time"\ngap = "40d"', "gap takes all of train, which begins 33.33 days before valid"),
        ('by = "row"\nrolling = 2', 'rolling = 2 moves the cuts in time; accepted: with by = "time"'),
        ('by = "time"\nrolling = 9', "valid + rolling * test = 1 leaves no rows to train on; accepted: below 1"),
        ('by = "time"\nrolling = 0', "split.rolling = 0 is not accepted"),
        ('by = "column"', 'by = "column" needs a column'),
        ('by = "row"\ncolumn = "user"', 'by = "row" takes no column'),
        ('by = "column"\ncolumn = "user"', "column says 0, 1, 2; accepted: train, valid, test"),
        ('by = "tme"', "unknown split 'tme'; did you mean 'time'?"),
    ],
)
def test_a_split_that_cannot_be_is_refused_in_one_line(tmp_path: Path, split: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as error:
        load(tmp_path, split)
    assert "\n" not in str(error.value)


def test_a_gap_over_milliseconds_is_the_gap_over_seconds(tmp_path: Path) -> None:
    split = 'by = "time"\ngap = "1d"'
    found = times(load(tmp_path, split, log().with_columns(pl.col("ts") * 1000)))
    assert [part.tolist() for part in found] == [part.tolist() for part in times(load(tmp_path, split))]


def test_rows_are_drawn_at_random_and_the_same_again(tmp_path: Path) -> None:
    first, again, other = (times(load(tmp_path, 'by = "row"', seed=seed)) for seed in (0, 0, 1))
    assert [part.tolist() for part in first] == [part.tolist() for part in again]
    assert [part.tolist() for part in first] != [part.tolist() for part in other]
    assert sorted(np.concatenate(first)) == sorted(log()["ts"])
    for part, share in zip(first, (0.8, 0.1, 0.1), strict=True):
        assert abs(len(part) - share * ROWS) < 5 * np.sqrt(share * (1 - share) * ROWS)


def test_a_column_says_where_each_row_belongs(tmp_path: Path) -> None:
    found, rows = times(load(tmp_path, 'by = "column"\ncolumn = "part"')), log()
    assert [part.tolist() for part in found] == [rows.filter(pl.col("part") == name)["ts"].to_list() for name in SPLITS]
    with pytest.raises(UserError, match="column says test in no row"):
        load(tmp_path, 'by = "column"\ncolumn = "part"', rows.filter(pl.col("part") != "test"))
