"""Pooled gains, beside statsmodels given tau, and beside the same posterior by numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats
from statsmodels.stats.meta_analysis import combine_effects

from harness.analysis import pooling
from harness.analysis.pooling import Floats, Pooled, pool

GAINS, ERRORS = [0.0044, -0.0002, 0.0031, 0.0019, 0.0052], [0.0006, 0.0009, 0.0011, 0.0004, 0.002]


def pooled(gains: list[float] = GAINS, errors: list[float] = ERRORS) -> Pooled:
    found = pool(gains, errors)
    assert found is not None
    return found


def arrays() -> tuple[Floats, Floats]:
    return np.array(GAINS), np.array(ERRORS)


@pytest.mark.parametrize("method", ["chi2", "iterated"])
def test_given_tau_mean_and_error_are_those_of_statsmodels(method: str) -> None:
    gain_K, error_K = arrays()
    theirs = combine_effects(gain_K, error_K**2, method_re=method)
    mean_T, error_T, _ = pooling.given(np.array([0.0, theirs.tau2**0.5]), gain_K, error_K)
    assert mean_T == pytest.approx([theirs.mean_effect_fe, theirs.mean_effect_re])
    assert error_T == pytest.approx([theirs.sd_eff_w_fe, theirs.sd_eff_w_re])


def test_the_likelihood_of_tau_is_that_of_contrasts_which_no_mean_moves() -> None:
    """The restricted likelihood, up to a constant, by the normal density of K - 1 differences."""
    gain_K, error_K = arrays()
    tau_T = np.array([0.0, 0.001, 0.003, 0.01])
    contrast = np.eye(4, 5) - np.eye(4, 5, k=1)
    theirs = [
        stats.multivariate_normal(cov=contrast @ np.diag(error_K**2 + tau**2) @ contrast.T).logpdf(contrast @ gain_K)
        for tau in tau_T
    ]
    ours = pooling.given(tau_T, gain_K, error_K)[2]
    assert ours - ours[0] == pytest.approx(np.subtract(theirs, theirs[0]))


def test_the_grid_gives_what_numerical_integration_gives() -> None:
    gain_K, error_K = arrays()
    typical = np.mean(error_K**-2.0) ** -0.5

    def posterior(tau: float, of: float) -> float:
        mean, error, log = (each[0] for each in pooling.given(np.array([tau]), gain_K, error_K))
        share = special.ndtr((of - mean) / np.hypot(tau, error))
        return float(np.exp(log - 30) / (1 + tau / typical) * share)

    def chance(of: float) -> float:
        below, whole = (
            sum(integrate.quad(posterior, a, b, args=(x,))[0] for a, b in ((0, 0.01), (0.01, 0.1), (0.1, np.inf)))
            for x in (of, np.inf)
        )
        return float(below / whole)

    found = pooled()
    assert found.chance_above(0.001) == pytest.approx(1 - chance(0.001), abs=2e-3)
    low = optimize.brentq(lambda x: chance(x) - 0.025, -0.1, 0.0)
    assert found.predicted[0] == pytest.approx(low, rel=0.02)


@given(shift=st.floats(-1, 1), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99), number=st.integers(3, 12))
def test_gains_in_another_unit_or_moved_give_the_same_in_that_unit(
    shift: float, scale: float, seed: int, number: int
) -> None:
    random = np.random.default_rng(seed)
    gains, errors = 0.003 * random.normal(size=number), 0.001 * random.uniform(0.5, 2, number)
    one = pooled(list(gains), list(errors))
    other = pooled(list(scale * (gains + shift)), list(scale * errors))
    assert other.predicted == pytest.approx([scale * (end + shift) for end in one.predicted], rel=1e-6, abs=1e-9)
    assert other.tau == pytest.approx(scale * one.tau, rel=1e-6)
    assert other.chance_above(scale * (0.001 + shift)) == pytest.approx(one.chance_above(0.001), abs=1e-6)


def test_a_prediction_is_wider_than_the_mean_and_many_data_sets_tell_both() -> None:
    random = np.random.default_rng(0)
    gains = 0.002 + 0.003 * random.normal(size=4000)
    found = pooled(list(gains + 0.001 * random.normal(size=4000)), [0.001] * 4000)
    assert found.mean == pytest.approx(0.002, abs=2e-4)
    assert found.tau == pytest.approx(0.003, rel=0.05)
    assert found.predicted == pytest.approx([0.002 - 1.96 * 0.003, 0.002 + 1.96 * 0.003], abs=3e-4)
    assert found.mean_interval[1] - found.mean_interval[0] < 3e-4
    assert found.chance_above(0.0) == pytest.approx(stats.norm.cdf(2 / 3), abs=0.02)


def test_too_few_data_sets_and_runs_compared_with_themselves_are_not_pooled() -> None:
    assert pool(GAINS[:2], ERRORS[:2]) is None
    assert pool(GAINS, [*ERRORS[:4], 0.0]) is None
