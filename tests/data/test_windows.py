"""A log cut into windows: every row is in one, and what is held out comes after what is trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine import make_data, make_split, store

from harness.api import Data, Kinds, ListField, Lists, NumberField, Split, UserError
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.windows import Windows, _edges, occurrences

DAY = 86_400


def log_of(folder: Path, days: int = 6, rows: int = 900) -> IndexedDataset:
    """Rows in order of time, the first half in train; the row number is the first id."""
    rng = np.random.default_rng(0)
    time_N = np.sort(rng.integers(0, days * DAY, rows))
    ids_NF = np.stack([np.arange(rows), rng.integers(0, 30, rows)], axis=1)
    cuts = (slice(0, rows // 2), slice(rows // 2, 2 * rows // 3), slice(2 * rows // 3, rows))
    splits = [make_split(rng, ids_NF[cut], time_N=time_N[cut]) for cut in cuts]
    return store(Data(("row", "item"), ("click", "buy"), *splits), folder)


def rows_in(dataset: IndexedDataset, split: IndexedSplit) -> list[int]:
    """Row numbers, ascending."""
    return sorted(dataset.ids_V[0][dataset.codes(split, 0)].tolist())


@pytest.mark.parametrize("length", [2, 7, "1d", "36h"])
def test_every_row_is_in_one_window_and_what_is_held_out_is_the_next(tmp_path: Path, length: int | str) -> None:
    dataset = log_of(tmp_path)
    windows = Windows(dataset, length)
    assert len(windows) == {2: 1, 7: 6, "1d": 5, "36h": 3}[length]
    seen, before = list[int](), list[int]()
    for number in range(1, len(windows) + 1):
        data = windows.data(number)
        held_out = rows_in(data, data.valid) + rows_in(data, data.test)
        assert len(data.valid) > 0.3 * len(held_out)
        assert len(data.test) > 0.3 * len(held_out)
        assert max(rows_in(data, data.train)) + 1 == min(held_out)
        if number > 1:
            assert rows_in(data, data.train) == before
        before = sorted(held_out)
        seen += rows_in(data, data.train)
        assert data.train.time_N is not None
        assert data.valid.time_N is not None
        assert data.train.time_N.max() < data.valid.time_N.min()
    assert seen + before == list(range(900))


def test_a_window_counts_its_own_training_rows_alone(tmp_path: Path) -> None:
    windows = Windows(log_of(tmp_path), 5)
    data = windows.data(2)
    for f in (0, 1):
        counts = np.zeros(len(data.ids_V[f]), np.int64)
        np.add.at(counts, data.codes(data.train, f), 1)
        assert (data.count_V[f] == counts).all()


def test_later_rows_have_no_say_in_how_the_first_window_is_read_where_it_alone_is_the_training_split(
    tmp_path: Path,
) -> None:
    rng, first = np.random.default_rng(0), []
    for times in (1, 100):
        number_N = np.arange(300, dtype=np.float32) * np.where(np.arange(300) < 100, 1, times).astype(np.float32)
        splits = [
            make_split(rng, rng.integers(0, 9, (100, 2)), time_N=at_N, numbers_NP=number_N[at_N, None])
            for at_N in np.arange(300).reshape(3, 100)
        ]
        data = Data(("a", "b"), ("click", "buy"), *splits, kinds=Kinds(numbers=(NumberField("price"),)))
        first.append(Windows(store(data, tmp_path / str(times)), 3).data(1).train.numbers_NP)
    assert np.array_equal(np.asarray(first[0]), np.asarray(first[1]))


def test_occurrences_are_those_that_were_counted_when_the_data_were_built(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)

    def split(rows: int) -> Split:
        length_N = rng.integers(0, 6, rows)
        lists = Lists(rng.integers(0, 50, int(length_N.sum())), length_N)
        return make_split(rng, rng.integers(0, 50, (rows, 2)), lists=(lists,))

    kinds = Kinds(lists=(ListField("read", longest=4, ordered=True),), shares={"read": "b"})
    dataset = store(Data(("a", "b"), ("click", "buy"), *map(split, (300, 100, 100)), kinds=kinds), tmp_path)
    for counted, count_V in zip(occurrences(dataset, dataset.train), dataset.count_V, strict=True):
        assert (counted == count_V).all()


@given(st.lists(st.integers(0, 10**6), min_size=20, max_size=200, unique=True), st.integers(2, 10))
def test_windows_of_rows_are_equally_large(times: list[int], windows: int) -> None:
    time_N = np.array(times)
    sizes = np.bincount(np.searchsorted(_edges(time_N, windows), time_N, side="right"), minlength=windows)
    assert len(sizes) == windows
    assert sizes.max() - sizes.min() <= 1


def test_a_short_last_window_joins_the_one_before() -> None:
    for days, windows in ((3.4, 3), (3.6, 4), (0.9, 1)):
        time_N = np.array([0, int(days * DAY)])
        assert len(_edges(time_N, "1d")) == windows - 1


def test_a_log_that_cannot_be_cut_is_refused(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log")
    for length, message in (
        ("4w", r"windows = '4w': there is one; accepted: two or more, each with rows"),
        ("60s", r"windows = '60s': number \d+ has no rows"),
    ):
        with pytest.raises(UserError, match=message):
            Windows(log, length)
    timeless = store(make_data(np.arange(40).reshape(20, 2), np.arange(40).reshape(20, 2)), tmp_path / "timeless")
    with pytest.raises(UserError, match="rows of this data set have no time"):
        Windows(timeless, 3)


def test_a_window_of_one_class_is_refused(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    labels_NT = np.array(log.valid.labels_NT)
    labels_NT[:, 0] = 0
    one = IndexedDataset(**{**vars(log), "valid": IndexedSplit(**{**vars(log.valid), "labels_NT": labels_NT})})
    with pytest.raises(UserError, match=r"window \d+ of 30 has only one class of label 'click' in \d+ rows"):
        Windows(one, 30).check(0)
    Windows(one, 30).check(1)
