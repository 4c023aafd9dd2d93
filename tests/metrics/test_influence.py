"""Influences against DeLong's formula, a jackknife by brute force, and many test sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.metrics.classification import Target
from harness.metrics.influence import INFLUENCES, influences

Array = npt.NDArray[Any]


@st.composite
def scored(draw: st.DrawFn) -> tuple[Array, Array]:
    """Logits of which many tie, and two labels or more of each class."""
    n = draw(st.integers(4, 40))
    logit = draw(st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0]), min_size=n, max_size=n))
    label = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda x: 2 <= sum(x) <= len(x) - 2))
    return np.array(logit, np.float32), np.array(label, np.uint8)


def of(target: Target, logit: Array, group: Array | None = None) -> dict[str, Array]:
    return dict(influences(target, logit, target(logit), group))


def students(n: int) -> float:
    """By how much an interval of Student's t is wider than one of the normal law with the same deviation."""
    return float(stats.t.ppf(0.975, n - 1) / stats.norm.ppf(0.975))


@given(scored())
def test_the_influence_on_auc_is_delongs(case: tuple[Array, Array]) -> None:
    logit, label = case
    up, down = logit[label == 1], logit[label == 0]
    wins = (up[:, None] > down) + (up[:, None] == down) / 2
    parts = (wins.mean(1).var(ddof=1) / len(up), wins.mean(0).var(ddof=1) / len(down))
    delong = sum(part * students(len(each)) ** 2 for part, each in zip(parts, (up, down), strict=True))
    found = of(Target(label), logit)["auc"]
    assert np.square(found).sum() == pytest.approx(delong, abs=1e-12)
    assert found.sum() == pytest.approx(0, abs=1e-9)


def test_a_paired_difference_has_the_jackknifes_error() -> None:
    """Leaving out one example, or one group, at a time; the two agree up to a share of 1 / n."""
    rng = np.random.default_rng(0)
    n = 400
    group, truth = rng.integers(0, 60, n), rng.uniform(0.1, 0.9, n)
    shared = rng.normal(size=n) + rng.normal(size=60)[group]
    label = (rng.random(n) < truth).astype(np.uint8)
    weight = rng.uniform(0.5, 2, n)
    logits = [(shared + rng.normal(size=n) + 0.5 * label).astype(np.float32) for _ in range(2)]
    for of_group in (None, group):
        unit = np.arange(n) if of_group is None else group
        units = np.unique(unit)
        left = {name: np.empty(len(units)) for name in INFLUENCES}
        for i, out in enumerate(units):
            kept = unit != out
            found = [Target(label[kept], truth[kept], weight_N=weight[kept])(logit[kept]) for logit in logits]
            for name, values in left.items():
                values[i] = found[0][name] - found[1][name]
        target = Target(label, truth, weight_N=weight)
        first, second = (of(target, logit, of_group) for logit in logits)
        for name, values in left.items():
            jackknife = (len(units) - 1) / len(units) * np.square(values - values.mean()).sum()
            got = np.square(first[name] - second[name]).sum()
            assert got == pytest.approx(jackknife, rel=0.05), (name, of_group is None)


def test_the_error_of_dependent_rows_shows_over_many_test_sets_only_by_group() -> None:
    rng = np.random.default_rng(1)
    aucs, alone, grouped = [], [], []
    for _ in range(300):
        group = np.repeat(np.arange(50), 8)
        latent = rng.normal(size=50)[group]
        label = (rng.random(400) < 1 / (1 + np.exp(-2 * latent))).astype(np.uint8)
        logit = (rng.normal(size=50)[group] + latent).astype(np.float32)
        target = Target(label)
        aucs.append(target(logit)["auc"])
        alone.append(np.square(of(target, logit)["auc"]).sum())
        grouped.append(np.square(of(target, logit, group)["auc"]).sum())
    assert np.mean(grouped) == pytest.approx(np.var(aucs), rel=0.25)
    assert np.mean(alone) < np.var(aucs) / 2


@pytest.mark.parametrize("groups", [3, 8])
def test_few_groups_claim_no_more_differences_than_they_should(groups: int) -> None:
    """Two arms that differ by luck of the groups alone: each group likes one of them better."""
    rng, group, claims = np.random.default_rng(3), np.repeat(np.arange(groups), 60), 0
    for _ in range(400):
        label = np.tile(np.arange(60) % 3 == 0, groups).astype(np.uint8)
        liking = rng.normal(size=(2, groups))[:, group]
        logits = (rng.normal(size=(2, len(label))) + (1 + liking) * label).astype(np.float32)
        first, second = (of(Target(label), logit, group)["auc"] for logit in logits)
        difference = Target(label)(logits[0])["auc"] - Target(label)(logits[1])["auc"]
        claims += abs(difference) > 1.96 * np.sqrt(np.square(first - second).sum())
    assert claims / 400 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_of_one_group_or_one_positive_nothing_is_known() -> None:
    label, logit = np.array([0, 1, 1, 0, 0], np.uint8), np.array([0.5, 1.0, 0.2, 0.1, 0.7], np.float32)
    one_group = of(Target(label), logit, np.zeros(5, np.int64))
    assert all(np.isnan(value_G).all() for value_G in one_group.values())
    one_positive = of(Target(np.array([0, 1, 0, 0, 0], np.uint8)), logit)
    assert np.isnan(one_positive["auc"]).any()
    assert np.isfinite(one_positive["logloss"]).all()


def test_the_truth_auc_is_the_auc_that_redrawn_labels_have_on_average() -> None:
    rng = np.random.default_rng(2)
    truth = rng.uniform(0.05, 0.6, 2000)
    logit = (np.log(truth / (1 - truth)) + rng.normal(size=2000)).astype(np.float32)
    aucs = [Target((rng.random(2000) < truth).astype(np.uint8))(logit)["auc"] for _ in range(200)]
    found = Target((rng.random(2000) < truth).astype(np.uint8), truth)(logit)["truth_auc"]
    assert found == pytest.approx(np.mean(aucs), abs=4 * np.std(aucs) / np.sqrt(200) + 1 / 2000)
    assert Target(np.array([0, 1, 1, 0], np.uint8), np.array([0.0, 1, 1, 0]))(np.array([3.0, 2, 1, 0]))[
        "truth_auc"
    ] == pytest.approx(0.5)
