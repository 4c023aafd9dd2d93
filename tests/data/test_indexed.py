"""Coded data sets: what is saved is what is read, half a data set is never seen, bad data is refused."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.engine import id_counts, make_data, make_split, store

from harness.api import Data, Ints, Kept, Split, Stream, UserError
from harness.data import indexed
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.validation import SPLITS
from harness.data.vocabulary import Vocabulary

BIG = 2**62  # ids this large lose their low bits in any float
OPTIONAL: dict[str, npt.NDArray[Any]] = {
    "observed_NT": np.array([[True, False], [True, True], [True, True], [True, True]]),
    "group_N": np.array([-5, 7, 7, BIG]),
    "time_N": np.array([0, 1, 1, 2]),
    "truth_NT": np.linspace(0, 1, 8, dtype=np.float32).reshape(4, 2),
    "weight_N": np.array([0, 0.5, 1, 2], np.float32),
}
COLUMN = st.sampled_from(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "?"]).flatmap(lambda dtype: arrays(dtype, 4))


def small(**more: Any) -> Data:
    split = make_split(np.random.default_rng(0), [[BIG, 1], [BIG + 1, 1], [-3, 2], [0, 2]], **more)
    return Data(("a", "b"), ("click", "buy"), split, split, split)


def with_train(**changes: Any) -> Data:
    data = small(**OPTIONAL)
    return dataclasses.replace(data, train=dataclasses.replace(data.train, **changes))


def decode(dataset: IndexedDataset, split: IndexedSplit) -> npt.NDArray[np.int64]:
    """The raw ids of a coded split."""
    return np.concatenate(dataset.ids_V)[split.codes_NF]


@pytest.mark.parametrize("more", [OPTIONAL, {}], ids=["everything", "ids and labels"])
def test_what_is_saved_is_what_is_read(more: dict[str, Any], tmp_path: Path) -> None:
    data = small(**more)
    dataset = store(data, tmp_path / "data")
    assert (dataset.fields, dataset.tasks) == (data.fields, data.tasks)
    for part in SPLITS:
        want: Split = getattr(data, part)
        got = dataset.split(part)
        assert np.array_equal(decode(dataset, got), want.ids_NF)
        for name in ("labels_NT", *OPTIONAL):
            expected, value = getattr(want, name), getattr(got, name)
            assert (value is None) == (expected is None)
            if expected is not None:
                assert value.dtype == expected.dtype
                assert np.array_equal(value, expected)


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 3), st.integers(1, 7))
def test_codes_are_a_bijection_and_counts_are_of_training_alone(seed: int, rows: int, fields: int, piece: int) -> None:
    """Whatever the pieces that the data comes in."""
    rng = np.random.default_rng(seed)
    data = make_data(*(rng.choice([-(2**63), -1, 0, 3, BIG, BIG + 1], (n, fields)) for n in (rows + 1, 5, 4)))
    pieces = [
        (part, Split(ids_NF=whole.ids_NF[at : at + piece], labels_NT=whole.labels_NT[at : at + piece]))
        for part in SPLITS
        for whole in [getattr(data, part)]
        for at in range(0, len(whole.ids_NF), piece)
    ]
    with tempfile.TemporaryDirectory() as folder:
        indexed.save(Stream(data.fields, data.tasks, pieces), Path(folder) / "data")
        dataset = indexed.load(Path(folder) / "data")
        for part in SPLITS:
            assert np.array_equal(decode(dataset, dataset.split(part)), getattr(data, part).ids_NF)
            assert np.array_equal(dataset.split(part).labels_NT, getattr(data, part).labels_NT)
    for f in range(fields):
        distinct = np.unique(np.concatenate([getattr(data, part).ids_NF[:, f] for part in SPLITS]))
        counts = id_counts(data.train.ids_NF[:, f])
        assert np.array_equal(dataset.ids_V[f], distinct)
        assert dataset.count_V[f].tolist() == [counts.get(i, 0) for i in distinct.tolist()]


@settings(max_examples=20)
@given(st.lists(st.tuples(COLUMN, COLUMN), min_size=6, max_size=6))
def test_columns_as_wide_as_they_come_are_coded_as_one_array_is(columns: list[tuple[Ints, Ints]]) -> None:
    """Of any type whose values int64 holds, another in every piece, not to be written to."""
    whole, narrow = list[tuple[str, Split]](), list[tuple[str, Split]]()
    labels_NT = np.array([[0, 1], [1, 0], [0, 1], [1, 0]], np.uint8)
    for part, ids_N in zip((*SPLITS, *SPLITS), columns, strict=True):
        for id_N in ids_N:
            id_N.flags.writeable = False
        ids_NF = np.stack([id_N.astype(np.int64) for id_N in ids_N], axis=1)
        whole.append((part, Split(ids_NF, labels_NT)))
        narrow.append((part, Split(ids_NF[:, :0], labels_NT, ids_N=ids_N)))
    one, other = (Stream(("a", "b"), ("click", "buy"), pieces) for pieces in (whole, narrow))
    with tempfile.TemporaryDirectory() as folder:
        indexed.save(one, Path(folder) / "one")
        indexed.save(other, Path(folder) / "other")
        first, second = ({f.name: f.read_bytes() for f in (Path(folder) / n).iterdir()} for n in ("one", "other"))
    assert first == second
    for part in SPLITS:
        want, got = (getattr(stream.gather(), part) for stream in (one, other))
        assert got.ids_N is None
        assert got.ids_NF.dtype == np.int64
        assert np.array_equal(got.ids_NF, want.ids_NF)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=200), st.integers(1, 40))
def test_a_vocabulary_grows_and_forgets_nothing(ids: list[int], piece: int) -> None:
    ids_N = np.array(ids * 2, np.int64)
    vocabulary = Vocabulary(size=4)
    code_N = np.concatenate(
        [vocabulary.code(ids_N[at : at + piece], training=True) for at in range(0, len(ids_N), piece)]
    )
    ids_V, count_V, position = vocabulary.finish()
    assert np.array_equal(ids_V[position[code_N]], ids_N)
    assert np.array_equal(ids_V, np.unique(ids_N))
    assert count_V.tolist() == [2 * ids.count(i) for i in ids_V.tolist()]


def test_rarest_count_is_the_smallest_training_count_of_an_example(tmp_path: Path) -> None:
    train = [[1, 10], [1, 10], [1, 11], [2, 10]]
    dataset = store(make_data(train, [[1, 10], [2, 10], [1, 11], [1, 99], [3, 99]]), tmp_path / "data")
    assert dataset.rarest_count_N(dataset.valid).tolist() == [3, 1, 1, 0, 0]
    assert dataset.rarest_count_N(dataset.train).tolist() == [3, 3, 1, 1]


def test_taking_examples_keeps_every_array_in_step(tmp_path: Path) -> None:
    dataset = store(small(**OPTIONAL), tmp_path / "data")
    index = np.array([3, 0, 3])
    taken = dataset.train.take(index)
    assert set(taken.arrays()) == {"codes_NF", "labels_NT", *OPTIONAL}
    for name, array in taken.arrays().items():
        assert np.array_equal(array, dataset.train.arrays()[name][index])
    bare = dataset.train.labelled()
    assert (bare.group_N, bare.time_N, bare.truth_NT) == (None, None, None)
    assert np.array_equal(bare.labels_NT, dataset.train.labels_NT)
    assert bare.observed_NT is not None
    assert bare.weight_N is not None
    assert bare.weight_N.tolist() == OPTIONAL["weight_N"].tolist()
    assert dataset.train.take(np.array([1, 1])).labelled().weight_N is None, "equal weights are none"


def test_an_error_in_mid_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote: list[Path] = []

    def interrupted(path: Path, array: npt.NDArray[Any]) -> None:
        wrote.append(path)
        if len(wrote) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        indexed.save(small(), tmp_path / "data")
    assert len(wrote) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_kill_in_mid_write_leaves_no_data_set_and_the_next_build_is_whole(tmp_path: Path) -> None:
    script = """
import os, sys
import numpy as np
from pathlib import Path
from harness.data import indexed
from harness.api import Data, Split
left = [4]
real = np.save
def save(path, array):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), 9)
    real(path, array)
np.save = save
split = Split(ids_NF=np.zeros((2, 2), np.int64), labels_NT=np.array([[0], [1]], np.uint8))
indexed.save(Data(("a", "b"), ("click",), split, split, split), Path(sys.argv[1]))
"""
    folder = tmp_path / "data"
    assert subprocess.run([sys.executable, "-c", script, str(folder)], check=False).returncode == -9
    assert not folder.exists()
    assert {p.name[:10] for p in tmp_path.iterdir()} == {".building-"}
    assert len(store(small(), folder).train) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_saving_twice_keeps_the_first_and_no_leftovers(tmp_path: Path) -> None:
    store(small(), tmp_path / "data")
    indexed.save(make_data([[1], [2]], [[1], [2]]), tmp_path / "data")
    assert indexed.load(tmp_path / "data").fields == ("a", "b")
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


COLUMNS: dict[str, Any] = {"ids_NF": np.zeros((4, 0), np.int64)}
"""Ids lie in ids_N."""
REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"ids_NF": np.zeros((0, 2), np.int64)}, "train split: 0 rows"),
    ({"ids_NF": np.zeros((4, 2), np.int32)}, r"ids are int32 \(4, 2\)"),
    ({"ids_NF": np.zeros((4, 3), np.int64)}, r"ids are int64 \(4, 3\); accepted: int64 \(4, 2\)"),
    ({"ids_N": (np.zeros(4, np.int8),) * 2}, r"ids are int64 \(4, 2\); accepted: int64 \(4, 0\)"),
    (COLUMNS | {"ids_N": (np.zeros(4, np.int8),)}, "ids_N is of 1 field; accepted: 2"),
    (COLUMNS | {"ids_N": (np.zeros(4), np.zeros(4, np.int8))}, "field 'a': ids are float64"),
    (COLUMNS | {"ids_N": (np.zeros(4, np.int8), np.zeros(4, np.uint64))}, "field 'b': ids are uint64"),
    (COLUMNS | {"ids_N": (np.zeros(4, np.int8), np.zeros(3, np.int8))}, r"field 'b': ids are int8 \(3,\); .* \(4,\)"),
    ({"labels_NT": np.zeros((4, 1), np.uint8)}, r"labels_NT has shape \(4, 1\); accepted: \(4, 2\)"),
    ({"labels_NT": np.array([[0, 0], [1, 1], [0, 2], [1, 1]], np.uint8)}, "label 'buy' has the value 2"),
    ({"labels_NT": np.array([[-1, 0], [1, 1], [1, 0], [1, 1]], np.int8)}, "label 'click' has the value -1"),
    ({"labels_NT": np.array([[0, 0], [1, 1], [0, 0.5], [1, 1]])}, "label 'buy' has the value 0.5"),
    ({"labels_NT": np.array([[0, 1], [1, 1], [0, 1], [1, 1]], np.uint8)}, "'buy' has only the class 1 in 3 rows"),
    ({"observed_NT": np.zeros((4, 2), np.bool_)}, "label 'click' has no known label in 0 rows"),
    ({"observed_NT": np.ones((4, 2), np.uint8)}, "observed_NT is uint8; accepted: bool"),
    ({"observed_NT": np.ones((4, 1), np.bool_)}, r"observed_NT has shape \(4, 1\)"),
    ({"group_N": np.zeros((3,), np.int64)}, r"group_N has shape \(3,\); accepted: \(4,\)"),
    ({"time_N": np.zeros((4, 1), np.int64)}, r"time_N has shape \(4, 1\)"),
    ({"truth_NT": np.zeros((4,), np.float32)}, r"truth_NT has shape \(4,\)"),
    ({"truth_NT": np.full((4, 2), 1.5, np.float32)}, "truth_NT holds a number that is no probability"),
    ({"truth_NT": np.full((4, 2), np.nan, np.float32)}, "truth_NT holds a number that is no probability"),
    ({"weight_N": np.ones(4, np.int64)}, "weight_N is int64; accepted: float32"),
    ({"weight_N": np.ones((4, 2), np.float32)}, r"weight_N has shape \(4, 2\); accepted: \(4,\)"),
    ({"weight_N": np.array([1, -1, 1, 1], np.float32)}, "weight_N has the value -1.0; accepted: finite, 0 or more"),
    ({"weight_N": np.array([1, np.nan, 1, 1], np.float32)}, "weight_N has the value nan"),
    ({"weight_N": np.array([1, 1e39, 1, 1])}, "weight_N has the value 1e"),
    ({"weight_N": np.zeros(4, np.float32)}, "'click' has no known label in 0 rows of a weight above 0"),
    ({"weight_N": np.array([0, 1, 0, 1], np.float32)}, "'click' has only the class 1 in 2 rows of a weight above 0"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSALS)
def test_bad_data_is_refused_with_its_place(changes: dict[str, Any], message: str) -> None:
    indexed.check(small(**OPTIONAL), "mine")
    with pytest.raises(UserError, match=rf"data set 'mine', train split.*{message.removeprefix('train split')}"):
        indexed.check(with_train(**changes), "mine")


def test_what_was_kept_is_read_back_and_is_of_tasks(tmp_path: Path) -> None:
    kept = {"buy": Kept(0.1), "click": Kept(0.5, 1)}
    assert store(dataclasses.replace(small(), kept=kept, notes=("so",)), tmp_path / "data").kept == kept
    with pytest.raises(UserError, match="kept: unknown task 'by'; did you mean 'buy'"):
        indexed.save(dataclasses.replace(small(), kept={"by": Kept(0.1)}), tmp_path / "other")
    for share, label, message in [(0, 0, "share = 0"), (1.5, 0, "share = 1.5"), (0.5, 2, "label = 2")]:
        with pytest.raises(UserError, match=f"kept: {message} is not accepted"):
            Kept(share, label)


def test_a_name_listed_twice_is_refused() -> None:
    with pytest.raises(UserError, match="listed twice"):
        indexed.check(dataclasses.replace(small(), fields=("a", "a")), "mine")


def test_the_other_splits_are_checked_too() -> None:
    data = small()
    one_class = dataclasses.replace(data.test, labels_NT=np.zeros((4, 2), np.uint8))
    with pytest.raises(UserError, match="test split: label 'click' has only the class 0"):
        indexed.check(dataclasses.replace(data, test=one_class), "mine")
