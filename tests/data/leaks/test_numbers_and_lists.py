"""Numbers and lists that tell a label: found whatever the shape of the relation, silent where there is none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from support.engine import store

from harness.api import Data, Ints, Kinds, ListField, Lists, NumberField, Split
from harness.data.leaks import listed
from harness.data.leaks.bins import edges
from harness.data.leaks.checks import findings
from harness.data.leaks.evidence import SMOOTHING
from harness.data.leaks.listed import tellings
from harness.data.numbers import binned
from harness.results.findings import Severity

ROWS = (4000, 1000, 1000)
SINGLES = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 1.0, float("nan")])


def labels(seed: int, base: float) -> list[Ints]:
    rng = np.random.default_rng(seed)
    return [(rng.random(rows) < base).astype(np.int64) for rows in ROWS]


def part(label_N: Ints, **more: object) -> Split:
    """A split with one field of ids that says nothing."""
    ids_NF = np.arange(len(label_N))[:, None] * 7919 % 50
    return Split(ids_NF=ids_NF, labels_NT=label_N[:, None].astype(np.uint8), **more)  # type: ignore[arg-type]


@given(st.lists(SINGLES, min_size=1, max_size=300), st.lists(SINGLES, max_size=50))
@example([float("nan")], [1.0])
def test_bins_are_in_the_order_of_their_values_and_what_is_frequent_or_missing_is_alone(
    train: list[float], other: list[float]
) -> None:
    train_N = np.array(train, np.float32)
    value_N = np.concatenate([train_N, np.array(other, np.float32)])
    edge_B = edges(train_N)
    bin_N, missing_N = binned(value_N, edge_B), np.isnan(value_N)
    assert ((bin_N == 0) == missing_N).all()
    assert bin_N.max() <= len(edge_B) + 1
    order = np.argsort(value_N[~missing_N], kind="stable")
    assert (np.diff(bin_N[~missing_N][order]) >= 0).all()
    values, counts = np.unique(train_N[~np.isnan(train_N)], return_counts=True)
    for value in values[counts >= 0.01 * counts.sum()]:
        assert ((bin_N == binned(value[None], edge_B)[0]) == (value_N == value)).all()


@pytest.mark.parametrize("base", [0.1, 0.5])
@pytest.mark.parametrize("shape", ["up", "down", "the label", "zero but for 1", "missing for 1", "both ends", "waves"])
def test_a_number_that_tells_the_label_is_stopped(shape: str, base: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)

    def number(y_N: Ints) -> np.ndarray:
        u_N, is_one = rng.random(len(y_N)), y_N == 1
        return {
            "up": np.where(is_one, 10 + u_N, u_N),
            "down": np.where(is_one, -10 - u_N, u_N),
            "the label": y_N.astype(float),
            "zero but for 1": y_N * u_N,
            "missing for 1": np.where(is_one, np.nan, u_N),
            "both ends": np.where(is_one, 10 * np.sign(u_N - 0.5), u_N - 0.5),
            "waves": rng.integers(0, 5, len(y_N)) + np.where(is_one, 0.5, 0) + u_N / 2,
        }[shape]

    splits = [part(y_N, numbers_NP=number(y_N).astype(np.float32)[:, None]) for y_N in labels(0, base)]
    data = Data(("a",), ("x",), *splits, kinds=Kinds((NumberField("n"),)))
    (only,) = findings(store(data, tmp_path / "data"))
    assert only.severity == Severity.STOP
    assert "Field 'n' alone tells label 'x': the mean training label of its percentiles has AUC" in only.seen


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["standard", "quantile", "log1p"]), st.floats(0, 0.95))
def test_numbers_and_lists_that_do_not_depend_on_the_label_are_silent(seed: int, scale: str, empty: float) -> None:
    rng = np.random.default_rng(seed)
    splits = []
    for y_N in labels(seed, 0.3):
        value_N = np.where(rng.random(len(y_N)) < empty, rng.choice([np.nan, 0.0]), rng.normal(size=len(y_N)))
        length_N = np.where(rng.random(len(y_N)) < empty, 0, rng.integers(1, 6, len(y_N)))
        lists = Lists(rng.integers(0, 3000, length_N.sum()), length_N)
        splits.append(part(y_N, numbers_NP=value_N.astype(np.float32)[:, None], lists=(lists,)))
    kinds = Kinds((NumberField("n", scale),), (ListField("l"),))
    with tempfile.TemporaryDirectory() as folder:
        found = findings(store(Data(("a",), ("x",), *splits, kinds=kinds), Path(folder) / "data"))
    assert found == ()


@pytest.mark.parametrize(("shape", "seen"), [("ids", "the ids in it"), ("empty", "the ids in it"), ("long", "lengths")])
def test_a_list_that_tells_the_label_is_stopped(shape: str, seen: str, tmp_path: Path) -> None:
    """By one id among others, by being empty, by being long."""
    rng = np.random.default_rng(0)

    def lists(y_N: Ints) -> Lists:
        length_N = rng.integers(2, 6, len(y_N))
        of_ones = {"ids": length_N, "empty": 0 * length_N, "long": 6 + length_N}
        length_N = np.where(y_N == 1, of_ones[shape], length_N)
        values_M = rng.integers(0, 400, length_N.sum())
        if shape == "ids":
            values_M[(np.cumsum(length_N) - 1)[y_N == 1]] = 400
        return Lists(values_M, length_N)

    splits = [part(y_N, lists=(lists(y_N),)) for y_N in labels(0, 0.3)]
    data = Data(("a",), ("x",), *splits, kinds=Kinds(lists=(ListField("l"),)))
    (only,) = findings(store(data, tmp_path / "data"))
    assert only.severity == Severity.STOP
    assert f"Field 'l' alone tells label 'x': the mean training label of {seen}" in only.seen.replace("its ", "")


@pytest.mark.parametrize("anew", [False, True])
def test_a_list_is_ranked_by_the_smoothed_training_means_of_its_ids(
    anew: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, row by row; of the known labels alone, and whether ids are counted by their codes or coded anew."""
    rng, splits = np.random.default_rng(0), []
    for y_N in labels(0, 0.3):
        length_N = rng.integers(0, 4, len(y_N))
        lists = Lists(rng.integers(0, 30, length_N.sum()), length_N)
        splits.append(part(y_N, lists=(lists,), observed_NT=rng.random((len(y_N), 1)) < 0.7))
    seen: dict[int, list[int]] = {}
    rows = [list(zip(*rows_of(split), strict=True)) for split in splits]
    for values, label, known in rows[0]:
        for identity in values:
            seen.setdefault(identity, []).extend([label] if known else [])
    base = np.mean([label for each in seen.values() for label in each])
    mean = {identity: (sum(each) + SMOOTHING * base) / (len(each) + SMOOTHING) for identity, each in seen.items()}
    monkeypatch.setattr(listed, "MOST_IDS", 5 if anew else 1 << 24)
    (told,) = tellings(store(Data(("a",), ("x",), *splits, kinds=Kinds(lists=(ListField("l"),))), tmp_path / "data"))
    for name, held in (("valid", rows[1]), ("test", rows[2])):
        score = [np.mean([mean[identity] for identity in values]) for values, _, known in held if known]
        expected = roc_auc_score([label for _, label, known in held if known], score)
        assert told.auc[name].value == pytest.approx(expected)


def rows_of(split: Split) -> tuple[list[list[int]], list[int], list[bool]]:
    """Of each row: the ids of its list, or -1 alone if it has none; its label; whether that is known."""
    lists = split.lists[0]
    values = np.split(lists.values_M, np.cumsum(lists.length_N)[:-1])
    assert split.observed_NT is not None
    return [each.tolist() or [-1] for each in values], split.labels_NT[:, 0].tolist(), split.observed_NT[:, 0].tolist()
