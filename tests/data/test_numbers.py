"""Numbers on scales and in buckets that the training split alone decides."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.engine import store

from harness.api import Data, Kinds, ListField, Lists, NumberField, Split, UserError
from harness.base.digests import seal
from harness.data import indexed
from harness.data.numbers import learnt
from harness.data.profile.kinds import ListProfile, NumberProfile, list_profiles, number_profiles

Floats = npt.NDArray[np.float32]
FINITE = st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))


def make(train: npt.ArrayLike, held_out: npt.ArrayLike, *fields: NumberField) -> Data:
    """Data of one field of ids and the same numbers for each of the fields of numbers."""

    def split(number_N: Floats) -> Split:
        n = len(number_N)
        return Split(
            ids_NF=np.zeros((n, 1), np.int64),
            labels_NT=(np.arange(n) % 2).astype(np.uint8)[:, None],
            numbers_NP=np.stack([number_N] * len(fields), axis=1),
        )

    parts = [split(np.asarray(part, np.float32)) for part in (train, held_out, held_out)]
    return Data(("id",), ("click",), *parts, kinds=Kinds(numbers=fields))


@pytest.mark.parametrize("scale", ["standard", "log1p", "quantile"])
@given(value_N=arrays(np.float32, st.integers(2, 60), elements=FINITE), other_N=arrays(np.float32, 5, elements=FINITE))
def test_a_scale_gives_training_mean_0_and_deviation_1_and_keeps_order(
    scale: str, value_N: Floats, other_N: Floats
) -> None:
    read = learnt(NumberField("x", scale=scale), value_N)
    got_N = read(value_N)
    assert np.array_equal(np.isnan(got_N), np.isnan(value_N))
    known_N = got_N[~np.isnan(got_N)].astype(np.float64)
    if len(np.unique(known_N)) > 1:
        assert abs(known_N.mean()) < 1e-3
        assert abs(known_N.std() - 1) < 1e-3
    both_N = np.sort(np.concatenate([value_N, other_N]))
    steps_N = np.diff(read(both_N[~np.isnan(both_N)]))
    assert (steps_N >= 0).all()
    assert np.isfinite(read(both_N[~np.isnan(both_N)])).all()


@pytest.mark.parametrize("scale", ["standard", "log1p", "quantile"])
@given(value=FINITE, size=st.integers(1, 40), other=st.floats(-1e3, 1e3, width=32))
def test_a_number_that_is_always_the_same_in_training_is_moved_and_not_stretched(
    scale: str, value: float, size: int, other: float
) -> None:
    """The deviation of equal values may be 1e-17 by rounding, by which nothing may be divided."""
    value = 0.0 if np.isnan(value) else value
    read = learnt(NumberField("x", scale=scale), np.full(size, value, np.float32))
    low, high = read(np.array([value, other], np.float32))
    assert abs(low) <= 1e-6 * max(1, abs(value))
    assert abs(high - low) <= 1.001 * abs(other - value) + 1


def test_the_quantile_scale_is_the_share_below_with_ties_counted_half() -> None:
    value_N = np.array([0] * 90 + list(range(1, 11)), np.float32)
    got_N = learnt(NumberField("x", scale="quantile"), value_N)(value_N)
    assert got_N[0] < got_N[90] < got_N[99]
    assert (got_N[90] - got_N[0]) > 4 * (got_N[91] - got_N[90])


@given(
    value_N=arrays(np.float32, st.integers(3, 60), elements=FINITE),
    other_N=arrays(np.float32, 20, elements=FINITE),
    buckets=st.integers(2, 8),
)
def test_buckets_are_between_quantiles_of_training(value_N: Floats, other_N: Floats, buckets: int) -> None:
    read = learnt(NumberField("x", buckets=buckets), value_N)
    known_N = value_N[~np.isnan(value_N)]
    known_N = np.sort(known_N) if len(known_N) else np.zeros(1, np.float32)
    edges = Counter(known_N[-(-len(known_N) * q // buckets) - 1] for q in range(1, buckets))
    from_here = [edge for edge in edges if edge > known_N[0]]
    above = [edge for edge, times in edges.items() if times > 1 or edge == known_N[0]]
    found_N = [1 + sum(edge <= v for edge in from_here) + sum(edge < v for edge in above) for v in other_N]
    assert read.bucket(other_N).tolist() == [0 if np.isnan(v) else n for v, n in zip(other_N, found_N, strict=True)]


@pytest.mark.parametrize("ones", [0.1, 0.3])
@pytest.mark.parametrize("buckets", [2, 5])
def test_a_value_that_fills_a_bucket_has_one_of_its_own(ones: float, buckets: int) -> None:
    """Revenue of the few who bought must not be lost among the zeros of all others."""
    rng = np.random.default_rng(0)
    value_N = np.where(rng.random(10_000) < ones, rng.lognormal(size=10_000), 0).astype(np.float32)
    bucket_N = learnt(NumberField("x", buckets=buckets), value_N).bucket(value_N)
    zero = set(bucket_N[value_N == 0])
    assert len(zero) == 1
    assert zero.isdisjoint(bucket_N[value_N != 0])
    assert bucket_N.max() <= buckets


def test_what_held_out_rows_hold_changes_no_scale_and_no_bucket(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    train = rng.lognormal(size=500).astype(np.float32)
    fields = NumberField("a"), NumberField("b", scale="quantile"), NumberField("c", buckets=7), NumberField("d", "none")
    train[::9] = np.nan
    one, other = (
        store(make(train, held_out, *fields), tmp_path / name)
        for name, held_out in (("one", train), ("other", np.full(50, 1e6, np.float32)))
    )
    assert one.fields == ("id", "c")
    assert [field.name for field in one.kinds.numbers] == ["a", "b", "d"]
    assert np.array_equal(one.train.codes_NF, other.train.codes_NF)
    assert one.train.numbers_NP is not None
    assert other.train.numbers_NP is not None
    assert np.array_equal(one.train.numbers_NP, other.train.numbers_NP, equal_nan=True)
    assert np.array_equal(one.train.numbers_NP[:, 2], train, equal_nan=True)
    bucket_N = one.codes(one.train, 1)
    assert np.array_equal(bucket_N == 0, np.isnan(train))
    assert one.counts(1).tolist() == np.bincount(bucket_N, minlength=8).tolist()
    assert set(other.codes(other.test, 1).tolist()) == {7}


FIELDS = [
    {"scale": "standard"}, {"scale": "log1p"}, {"scale": "quantile"}, {"scale": "none"}, {"buckets": 5},
]  # fmt: skip


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_what_a_scale_tells_is_kept_with_the_data_and_gives_other_data_the_same_scale(
    field: dict[str, Any], tmp_path: Path
) -> None:
    """But for quantiles, which cannot be given."""
    rng = np.random.default_rng(0)
    first, second = (rng.lognormal(mean, size=400).astype(np.float32) for mean in (0, 2))
    one, other = (
        store(make(train, second, NumberField("x", **field)), tmp_path / name)
        for name, train in (("one", first), ("other", second))
    )
    told = one.scales["x"]
    assert told == json.loads(json.dumps(learnt(NumberField("x", **field), first).told()))
    assert (told == other.scales["x"]) == (field == {"scale": "none"})
    if field != {"scale": "quantile"}:
        given = store(make(second, second, NumberField("x", **told)), tmp_path / "given")
        assert given.scales == one.scales
        assert np.array_equal(given.test.codes_NF[:, 1:], one.test.codes_NF[:, 1:])
        numbers = [np.asarray(data.test.numbers_NP, np.float32) for data in (given, one)]  # of buckets: none
        assert np.array_equal(numbers[0], numbers[1], equal_nan="buckets" in field)


def test_given_numbers_are_not_learnt_of_training() -> None:
    value_N = np.array([1, 3, np.nan, 7], np.float32)
    plain = learnt(NumberField("x", mean=3.0, deviation=2.0), value_N * 100)
    assert plain(value_N)[[0, 1, 3]].tolist() == [-1.0, 0.0, 2.0]
    logged = learnt(NumberField("x", scale="log1p", mean=1.0, deviation=0.5), value_N * 100)
    assert logged(value_N)[[0, 3]] == pytest.approx((np.log1p([1, 7]) - 1) / 0.5)
    edges = learnt(NumberField("x", edges=(2.0, 3.0, 100.0)), value_N)
    assert edges.bucket(value_N).tolist() == [1, 3, 0, 3]


def test_numbers_between_edges_alone_leave_no_number(tmp_path: Path) -> None:
    dataset = store(make(np.arange(20), np.arange(4), NumberField("c", edges=(5.0, 18.5))), tmp_path / "data")
    assert dataset.train.numbers_NP is None
    assert dataset.kinds == Kinds()
    assert dataset.codes(dataset.train, 1).tolist() == [1] * 5 + [2] * 14 + [3]


def test_data_of_versions_that_kept_no_scale_are_read(tmp_path: Path) -> None:
    store(make(np.arange(20), np.arange(4), NumberField("c")), tmp_path / "data")
    path = tmp_path / "data" / "meta.json"
    meta = json.loads(path.read_text())
    del meta["scales"]
    for key in ("mean", "deviation", "edges"):
        del meta["kinds"]["numbers"][0][key]
    path.write_text(json.dumps(meta))
    seal(tmp_path / "data")
    assert indexed.load(tmp_path / "data").scales == {}
    assert indexed.load(tmp_path / "data").kinds.numbers == (NumberField("c"),)


def test_numbers_of_buckets_alone_leave_no_number(tmp_path: Path) -> None:
    dataset = store(make(np.arange(20), np.arange(4), NumberField("c", buckets=2)), tmp_path / "data")
    assert dataset.train.numbers_NP is None
    assert dataset.kinds == Kinds()
    assert dataset.codes(dataset.train, 1).tolist() == [1] * 9 + [2] * 11


GOOD = Lists(np.arange(6), np.array([2, 0, 1, 3]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numbers_NP": None}, r"numbers_NP is not given; accepted: float32 \(4, 1\)"),
        ({"numbers_NP": np.zeros((4, 2), np.float32)}, r"numbers_NP is float32 \(4, 2\); accepted: float32 \(4, 1\)"),
        ({"numbers_NP": np.zeros((4, 1))}, "numbers_NP is float64"),
        ({"numbers_NP": np.full((4, 1), np.inf, np.float32)}, "field 'price' is infinite"),
        ({"lists": ()}, "0 lists are given; accepted: 1"),
        ({"lists": (dataclasses.replace(GOOD, length_N=np.array([2, 0, 1, 4])),)}, "reaches beyond the 6 values"),
        ({"lists": (dataclasses.replace(GOOD, begin_N=np.array([-1, 0, 0, 0])),)}, "reaches beyond the 6 values"),
        ({"lists": (dataclasses.replace(GOOD, length_N=np.array([2, 0, 1])),)}, "of 3 and 3 rows; accepted: 4"),
        ({"lists": (dataclasses.replace(GOOD, values_M=np.arange(6, dtype=np.int32)),)}, "values_M is int32"),
        ({"lists": (dataclasses.replace(GOOD, weight_M=-np.ones(6, np.float32)),)}, "negative or not finite"),
    ],
)
def test_wrong_numbers_and_lists_are_refused(changes: dict[str, Any], message: str) -> None:
    split = Split(
        ids_NF=np.arange(4)[:, None],
        labels_NT=np.array([[0], [1], [0], [1]], np.uint8),
        numbers_NP=np.zeros((4, 1), np.float32),
        lists=(GOOD,),
    )
    kinds = Kinds(numbers=(NumberField("price"),), lists=(ListField("tags"),))
    indexed.check(Data(("id",), ("click",), split, split, split, kinds=kinds), "tiny")
    with pytest.raises(UserError, match=message):
        indexed.check(
            Data(("id",), ("click",), dataclasses.replace(split, **changes), split, split, kinds=kinds), "tiny"
        )


@pytest.mark.parametrize(
    ("make_field", "message"),
    [
        (lambda: NumberField("x", scale="log"), "unknown scale 'log'; did you mean 'log1p'"),
        (lambda: NumberField("x", buckets=1), "buckets = 1; accepted: 2 to"),
        (
            lambda: NumberField("x", mean=1.0),
            "mean = 1.0, deviation = None; accepted: both, finite, the deviation above",
        ),
        (lambda: NumberField("x", mean=1.0, deviation=0.0), "deviation = 0.0; accepted: both, finite, the deviation"),
        (lambda: NumberField("x", mean=np.inf, deviation=1.0), "mean = inf, deviation = 1.0; accepted: both, finite"),
        (
            lambda: NumberField("x", scale="quantile", mean=1.0, deviation=1.0),
            "beside scale = 'quantile'; accepted: beside scale = 'standard' or 'log1p'",
        ),
        (lambda: NumberField("x", mean=1.0, deviation=1.0, buckets=3), "deviation = 1.0 beside buckets; accepted"),
        (lambda: NumberField("x", mean=1.0, deviation=1.0, edges=(1.0,)), "deviation = 1.0 beside edges; accepted"),
        (lambda: NumberField("x", edges=(1.0,), buckets=3), "buckets = 3 beside edges; accepted: one of them"),
        (lambda: NumberField("x", edges=(1.0, 1.0)), r"edges = \[1.0, 1.0\]; accepted: numbers, each above"),
        (lambda: NumberField("x", edges=(1.0, np.nan)), r"edges = \[1.0, nan\]; accepted: numbers, each above"),
        (lambda: ListField("x", pool="max"), "unknown pool 'max'"),
        (lambda: ListField("x", longest=0), "longest = 0; accepted: 1 to 10,000"),
        (lambda: Kinds(shares={"a": "b"}).check(("b",), "here"), "unknown field 'a'"),
        (lambda: Kinds(shares={"a": "b", "b": "a"}).check(("a", "b"), "here"), "unknown table 'b'"),
        (lambda: Kinds().check((), "here"), "no field has single ids"),
    ],
)
def test_fields_that_cannot_be_are_refused(make_field: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_field()


def test_the_profile_of_numbers_and_lists_is_what_was_put_in(tmp_path: Path) -> None:
    train, test = np.array([0.0, 2.0, np.nan, 0.0, 2.0]), np.array([3.0, 3.0, 3.0, np.nan])
    data = make(train, test, NumberField("x", scale="none"))
    lists = {
        "train": Lists(np.array([1, 2, 3]), np.array([1, 1, 1, 0, 0])),
        "valid": Lists(np.array([1]), np.array([1, 0, 0, 0])),
        "test": Lists(np.array([9, 1, 1, 9]), np.array([2, 1, 0, 1])),
    }
    parts: dict[str, Any] = {
        part: dataclasses.replace(getattr(data, part), lists=(each,)) for part, each in lists.items()
    }
    kinds = dataclasses.replace(data.kinds, lists=(ListField("tags"),))
    dataset = store(dataclasses.replace(data, kinds=kinds, **parts), tmp_path / "data")
    assert number_profiles(dataset) == (NumberProfile("x", 0.2, 0.25, 2.0),)
    assert list_profiles(dataset) == (ListProfile("tags", "tags", 3, 1.0, 0.5),)
