"""Weights of examples against scikit-learn's, and metrics of a down-sampled log against those of the full one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from harness.metrics.classification import Target

Array = npt.NDArray[Any]


@st.composite
def weighted(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """Logits of which many tie, labels of both classes, and weights of many magnitudes."""
    n = draw(st.integers(2, 40))
    levels = draw(st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=6))
    logit = draw(st.lists(st.sampled_from(levels), min_size=n, max_size=n))
    label = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda x: 0 < sum(x) < len(x)))
    weight = draw(st.lists(st.floats(2**-20, 2**20, width=32), min_size=n, max_size=n))
    return np.array(logit, np.float32), np.array(label, np.uint8), np.array(weight, np.float32)


@given(weighted())
def test_weighted_metrics_are_scikit_learns(case: tuple[Array, Array, Array]) -> None:
    logit, label, weight = case
    got = Target(label, weight_N=weight)(logit)
    probability, weight = 1 / (1 + np.exp(-logit.astype(np.float64))), weight.astype(np.float64)
    base = np.full(len(label), np.average(label, weights=weight))
    loss = log_loss(label, probability, sample_weight=weight)
    assert got["auc"] == pytest.approx(roc_auc_score(label, logit, sample_weight=weight), abs=1e-9)
    assert got["pr_auc"] == pytest.approx(average_precision_score(label, logit, sample_weight=weight), abs=1e-9)
    assert got["logloss"] == pytest.approx(loss, rel=1e-7, abs=1e-9)
    ne = loss / log_loss(label, base, sample_weight=weight)
    lost = 2e-15 / min(base[0], 1 - base[0])
    assert got["ne"] == pytest.approx(ne, rel=1e-7 + lost), "1 - base has few digits where weights differ by 1e12"
    assert got["brier"] == pytest.approx(brier_score_loss(label, probability, sample_weight=weight), rel=1e-9)
    assert got["calibration"] == pytest.approx(np.sum(probability * weight) / np.sum(label * weight), rel=1e-9)


@given(weighted(), st.integers(0, 2**32))
def test_weighted_gauc_is_a_loop_over_groups(case: tuple[Array, Array, Array], seed: int) -> None:
    logit, label, weight = case
    group, weight = np.random.default_rng(seed).integers(-3, 3, len(logit)), weight.astype(np.float64)
    mixed = [m for g in np.unique(group) if 0 < label[m := group == g].sum() < m.sum()]
    got = Target(label, group_N=group, weight_N=weight)(logit)
    assert got["gauc_share"] == pytest.approx(sum(weight[m].sum() for m in mixed) / weight.sum())
    assert ("gauc" in got) == bool(mixed)
    if mixed:
        aucs = [roc_auc_score(label[m], logit[m], sample_weight=weight[m]) for m in mixed]
        wanted = np.average(aucs, weights=[weight[m].sum() for m in mixed])
        assert got["gauc"] == pytest.approx(wanted, abs=1e-9)


def test_light_rows_of_a_group_do_not_drown_in_heavy_ones_of_others() -> None:
    group, label = np.repeat([0, 1], 4), np.array([0, 1, 0, 1, 0, 1, 0, 1], np.uint8)
    weight = np.array([3, 1, 5, 1, 2**-40, 2**20, 2**-42, 2**20], np.float32)
    logit = np.array([0, 1, 2, 3, 3, 0, 1, 2], np.float32)
    last = (2**-42 / (2**-40 + 2**-42)) / 2
    wanted = ((3 / 8 + 1) / 2 * 10 + last * 2**21) / (10 + 2**21)
    assert Target(label, group_N=group, weight_N=weight)(logit)["gauc"] == pytest.approx(wanted, rel=1e-12)


@given(weighted(), st.integers(1, 4), st.integers(0, 2**32))
def test_a_whole_weight_is_so_many_copies_of_the_row(case: tuple[Array, Array, Array], most: int, seed: int) -> None:
    logit, label, _ = case
    random = np.random.default_rng(seed)
    times, group = random.integers(1, most + 1, len(label)), random.integers(0, 3, len(label))
    truth = random.uniform(0.05, 0.95, len(label))
    one = Target(label, truth, group, weight_N=times.astype(np.float32))(logit)
    label, truth, group, logit = (np.repeat(a, times) for a in (label, truth, group, logit))
    assert one == pytest.approx(Target(label, truth, group)(logit), abs=1e-9)


@given(weighted(), st.floats(2**-30, 2**30, width=32))
def test_equal_weights_are_no_weights_to_the_bit(case: tuple[Array, Array, Array], weight: float) -> None:
    logit, label, _ = case
    group = np.arange(len(label)) % 3
    equal = Target(label, group_N=group, weight_N=np.full(len(label), weight, np.float32))(logit)
    assert equal == Target(label, group_N=group)(logit)


def full_log(rows: int) -> tuple[Array, Array]:
    """Labels, and the logits of a model that is a little off."""
    random = np.random.default_rng(7)
    logit = random.normal(-2.5, 1.2, rows)
    label = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.uint8)
    return label, logit + 0.1 + random.normal(0, 0.3, rows)


@pytest.mark.parametrize(("thinned", "share"), [(0, 0.1), (0, 0.02), (1, 0.3)])
def test_metrics_of_a_thinned_log_are_those_of_the_full_one(thinned: int, share: float) -> None:
    """Each row of the thinned class stays with probability s and then counts 1/s times. A mean of value v over such a
    sample deviates from that of the full log by sqrt((1 - s) / s sum of (v - mean)^2 over the class) / N, to first
    order; the bounds are five of these."""
    label, logit = full_log(400_000)
    full = Target(label)(logit)
    stays = (label != thinned) | (np.random.default_rng(1).random(len(label)) < share)
    shift = np.log(share) * (1 if thinned == 0 else -1)
    weight = np.where(label[stays] == thinned, 1 / share, 1.0)
    trained = logit[stays] - shift  # what a model of the thinned log predicts: odds among the rows that stayed
    got = Target(label[stays], weight_N=weight, shift=shift)(trained)

    probability, of_class = 1 / (1 + np.exp(-logit)), label == thinned
    loss = np.logaddexp(0, logit) - label * logit

    def deviation(value: Array) -> float:
        return float(np.sqrt((1 - share) / share * np.sum(np.square(value[of_class]))) / len(label))

    bound = {
        "logloss": 5 * deviation(loss - loss.mean()),
        "brier": 5 * deviation(np.square(probability - label) - full["brier"]),
        "calibration": 5 * deviation(probability - full["calibration"] * label) / label.mean(),
    }
    found = {name: abs(got[name] - full[name]) for name in bound}
    assert all(found[name] < bound[name] for name in bound), (found, bound)
    without = Target(label[stays])(trained)
    assert all(abs(without[name] - full[name]) > bound[name] for name in ("logloss", "brier"))
    assert got["auc"] == pytest.approx(without["auc"], abs=1e-12), "a weight of a whole class leaves AUC alone"
    assert got["ne"] == pytest.approx(full["ne"], abs=0.01)
    assert got["pr_auc"] == pytest.approx(full["pr_auc"], abs=0.01)
    assert abs(without["pr_auc"] - full["pr_auc"]) > 0.1
