"""Metrics against scikit-learn and against loops, with ties and one-class inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from harness.metrics import classification, ranking
from harness.metrics.catalog import BUCKETS, METRICS
from harness.metrics.ranking import Ranking, rank_metrics

Array = npt.NDArray[Any]


@st.composite
def scored(draw: st.DrawFn) -> tuple[Array, Array]:
    """Logits from a small set, so that most tie, and labels of both classes."""
    n = draw(st.integers(2, 60))
    levels = draw(st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=6))
    logit = draw(st.lists(st.sampled_from(levels), min_size=n, max_size=n))
    label = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda x: 0 < sum(x) < len(x)))
    return np.array(logit, np.float32), np.array(label, np.uint8)


@given(scored())
def test_rank_metrics_match_scikit_learn(case: tuple[Array, Array]) -> None:
    logit, label = case
    auc, pr_auc = rank_metrics(logit, label)
    assert auc == pytest.approx(roc_auc_score(label, logit), abs=1e-12)
    assert pr_auc == pytest.approx(average_precision_score(label, logit), abs=1e-12)


@given(scored(), st.booleans(), st.integers(0, 9))
def test_float32_scores_rank_as_the_same_numbers_in_float64_do(
    case: tuple[Array, Array], weighted: bool, seed: int
) -> None:
    """One is sorted as integers, the other as it is; shares and weights make the order within a tie matter."""
    logit, label = case
    rng = np.random.default_rng(seed)
    logit[rng.random(len(logit)) < 0.2] = -0.0
    weight = rng.uniform(0.5, 2, len(label)) if weighted else None
    as_integers, as_numbers = Ranking(logit), Ranking(logit.astype(np.float64))
    for share in (label, rng.random(len(label))):
        assert as_integers.metrics(share, weight) == as_numbers.metrics(share, weight)
    assert as_integers.tie_N.tolist() == np.unique(logit, return_inverse=True)[1].tolist()


def test_a_value_and_a_position_are_one_integer_up_to_the_last_position_that_is_packed() -> None:
    value_N = np.array([-(2**31), -1, 0, 2**31 - 1])
    for position in (0, ranking.PACKED - 1):
        found = ranking.unpacked(ranking.packed(value_N, np.full(4, position)))
        assert [each.tolist() for each in found] == [value_N.tolist(), [position] * 4]
    last, first = (
        ranking.packed(value_N[:-1], np.full(3, ranking.PACKED - 1)),
        ranking.packed(value_N[1:], np.zeros(3, int)),
    )
    assert (last < first).all()
    assert ranking.unpacked(ranking.packed(value_N[:1], np.array([ranking.PACKED])))[0] != value_N[0], "one is too many"


@given(scored(), st.integers(0, 9))
def test_more_examples_than_can_be_packed_rank_alike(case: tuple[Array, Array], seed: int) -> None:
    logit, label = case
    group_N = np.random.default_rng(seed).integers(0, 3, len(label))
    few = classification.Target(label, group_N=group_N)(logit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "PACKED", 1)
        assert classification.Target(label, group_N=group_N)(logit) == few


@given(scored())
def test_auc_of_negated_scores_is_the_rest_and_any_increasing_map_keeps_it(case: tuple[Array, Array]) -> None:
    logit, label = case
    auc = rank_metrics(logit, label)[0]
    assert rank_metrics(-logit, label)[0] == pytest.approx(1 - auc, abs=1e-12)
    assert rank_metrics(logit.astype(np.float64) ** 3, label)[0] == pytest.approx(auc, abs=1e-12)


@given(scored())
def test_logloss_entropy_and_calibration_match_their_definitions(case: tuple[Array, Array]) -> None:
    logit, label = case
    probability = 1 / (1 + np.exp(-logit.astype(np.float64)))
    got = classification.Target(label)(logit)
    assert got["logloss"] == pytest.approx(log_loss(label, probability), rel=1e-9)
    base_rate = np.full(len(label), label.mean())
    assert got["ne"] == pytest.approx(log_loss(label, probability) / log_loss(label, base_rate), rel=1e-9)
    assert got["calibration"] == pytest.approx(probability.sum() / label.sum(), rel=1e-9)


def test_extreme_logits_stay_finite() -> None:
    got = classification.Target(np.array([1, 0, 0, 1], np.uint8))(np.array([1e4, -1e4, 1e4, -1e4], np.float32))
    assert got["logloss"] == pytest.approx(5e3)
    assert all(map(math.isfinite, got.values()))


@pytest.mark.parametrize(("label", "more"), [(0, set()), (1, {"calibration"})])
def test_what_one_class_leaves_undefined_is_left_out(label: int, more: set[str]) -> None:
    got = classification.Target(np.full(2, label), np.array([0.4, 0.6]))(np.array([0.5, -1.0]))
    assert set(got) == {"logloss", "brier", "truth_auc", "regret"} | more


@given(scored(), st.integers(0, 2**32))
def test_regret_is_the_mean_divergence_from_the_truth_and_never_negative(case: tuple[Array, Array], seed: int) -> None:
    logit, label = case
    truth = np.random.default_rng(seed).uniform(0.01, 0.99, len(logit)).astype(np.float32)
    regret = classification.Target(label, truth)(logit)["regret"]
    p, q = truth.astype(np.float64), 1 / (1 + np.exp(-logit.astype(np.float64)))
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert regret == pytest.approx(divergence.mean(), abs=1e-9)
    assert regret >= -1e-12


def test_predicting_the_truth_has_no_regret_and_the_whole_oracle_share() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.05, 0.95, 500)
    label = (rng.random(500) < truth).astype(np.uint8)
    logit = np.log(truth / (1 - truth))
    got = classification.Target(label, truth)(logit)
    assert got["regret"] == pytest.approx(0.0, abs=1e-12)
    assert got["oracle_share"] == pytest.approx(1.0, abs=1e-12)
    assert classification.Target(label, truth)(np.zeros(500))["oracle_share"] == pytest.approx(0.0, abs=1e-12)


@given(scored(), st.integers(0, 2**32))
@example((np.zeros(3, np.float32), np.array([0, 1, 0], np.uint8)), 6)
def test_small_groups_never_give_an_infinite_or_undefined_number(case: tuple[Array, Array], seed: int) -> None:
    """A bucket of a few rows may have an oracle AUC of one half or less, and a truth of exactly 0 or 1."""
    logit, label = case
    truth = np.random.default_rng(seed).choice([0.0, 0.2, 0.5, 1.0], len(logit))
    got = classification.Target(label, truth)(logit)
    assert all(map(math.isfinite, got.values()))
    higher = np.sign(truth[label == 1][:, None] - truth[label == 0][None, :]).sum()
    assert ("oracle_share" in got) == (higher > 0)


@given(scored(), st.integers(0, 2**32))
def test_gauc_matches_a_loop_over_groups(case: tuple[Array, Array], seed: int) -> None:
    logit, label = case
    group = np.random.default_rng(seed).integers(-3, 3, len(logit))
    total, counted = 0.0, 0
    for g in np.unique(group):
        member = group == g
        if 0 < label[member].sum() < member.sum():
            total += roc_auc_score(label[member], logit[member]) * member.sum()
            counted += int(member.sum())
    got = classification.Target(label, group_N=group)(logit)
    assert got["gauc_share"] == pytest.approx(counted / len(logit))
    assert ("gauc" in got) == (counted > 0)
    if counted:
        assert got["gauc"] == pytest.approx(total / counted, abs=1e-12)


def test_every_metric_of_the_catalogue_has_a_function_and_a_meaning() -> None:
    assert list(classification.FUNCTIONS) == list(METRICS)
    assert all(info.title and info.meaning for info in METRICS.values())


def test_bucket_edges() -> None:
    names = [name for name, _ in BUCKETS]
    expected = {0: "unseen", 1: "1", 2: "2-4", 4: "2-4", 5: "5-19", 19: "5-19", 20: "20-99", 99: "20-99"}
    expected |= {100: "100-up", 10**9: "100-up"}
    assert [names[b] for b in classification.bucket_of(np.array(list(expected)))] == list(expected.values())
