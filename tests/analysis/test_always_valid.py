"""Always-valid inference: e-values that average to one, intervals that hold at every look, and plans that stop."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.analysis.always_valid import SPREAD, always_interval, always_p
from harness.experiment.plan import looks
from perf import stopping


@pytest.mark.parametrize("n", [2, 6, 20])
def test_the_e_value_averages_to_one_without_an_effect_whatever_the_deviation(n: int) -> None:
    """By quadrature over Student's t, whose tails carry the average where n is small."""
    from scipy import integrate, stats

    def weighted(t: float) -> float:
        ratio, square = 1 + n * SPREAD**2, t**2 / (n - 1)
        e = ratio**-0.5 * ((1 + square) / (1 + square / ratio)) ** (n / 2)
        p = float(always_p(t / math.sqrt(n) * 7.0, 7.0, n))
        assert p == pytest.approx(min(1.0, 1 / e), rel=1e-9)
        return float(e * stats.t.pdf(t, n - 1))

    total = 2 * integrate.quad(weighted, 0, math.inf, limit=200)[0]
    assert total == pytest.approx(1, rel=1e-4)


def test_the_interval_holds_the_means_that_p_does_not_reject() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 12)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    low, high = always_interval(mean, deviation, 12, 0.05)
    for end in (low, high):
        assert float(always_p(mean - end, deviation, 12)) == pytest.approx(0.05, rel=1e-9)
    assert always_interval(mean, deviation, 2, 0.05) == (-math.inf, math.inf)
    assert always_p(0.0, 0.0, 5) == 1
    assert always_p(0.5, 0.0, 5) == pytest.approx((1 + 5 * SPREAD**2) ** -2)


def test_looking_after_every_value_rarely_rejects_and_students_t_often_does() -> None:
    values = np.random.default_rng(1).normal(size=(4000, 60))
    missed = np.zeros(4000, bool)
    for n in range(2, 61):
        low, high = always_interval(values[:, :n].mean(1), values[:, :n].std(1, ddof=1), n, 0.05)
        missed |= (low > 0) | (high < 0)
    assert missed.mean() <= 0.05


def test_plans_that_stop_claim_what_is_not_there_in_at_most_one_of_twenty() -> None:
    rng = np.random.default_rng(2)
    without = stopping.stop(stopping.simulate(0.0, 2000, rng))
    assert (without.shown != 0).any(1).mean() <= 0.05
    large = stopping.stop(stopping.simulate(0.005, 200, rng))
    assert (large.shown == 1).mean() > 0.95
    assert large.draws.mean() < 10
    assert stopping.peeking(2000, rng) > 0.08


@pytest.mark.parametrize("most", [2, 6, 7, 30, 1000])
def test_looks_end_at_the_most(most: int) -> None:
    found = looks(most)
    assert found[-1] == most
    assert found == sorted(set(found))


@pytest.mark.parametrize("shared", [0.3, 1.0])
def test_an_error_that_all_values_share_is_in_interval_and_p(shared: float) -> None:
    """Looked at after every value, and with test rows that no number of values makes more of."""
    random = np.random.default_rng(5)
    values = random.normal(size=(2000, 30)) + shared * random.normal(size=(2000, 1))
    missed, without = np.zeros(2000, bool), np.zeros(2000, bool)
    for n in range(2, 31):
        mean, deviation = values[:, :n].mean(1), values[:, :n].std(1, ddof=1)
        low, high = always_interval(mean, deviation, n, 0.05, shared)
        missed |= (low > 0) | (high < 0)
        low, high = always_interval(mean, deviation, n, 0.05)
        without |= (low > 0) | (high < 0)
    assert missed.mean() <= 0.05 < without.mean() + (shared < 1)
    low, _ = always_interval(1.0, 0.4, 8, 0.05, 0.1)
    assert float(always_p(1.0 - low, 0.4, 8, 0.1)) == pytest.approx(0.05, rel=1e-6)
    assert float(always_p(0.0, 0.4, 8, 0.1)) == 1
