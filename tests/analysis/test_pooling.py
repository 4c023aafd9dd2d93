"""Pooled gains, beside statsmodels given tau, and beside the same posterior by numerical integration."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats
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


MEASURED = {
    "alike": (GAINS, ERRORS),
    "one far better than its spread": ([2e-6, 0.0125, -0.004, 0.007], [1e-6, 0.001, 0.001, 0.001]),
    "all far better": ([0.01, -0.01, 0.02, 0.0, -0.02], [1e-6] * 5),
    "of another base rate": ([-0.0212, -0.1033, -1.0], [0.0004, 0.008, 0.03]),
    "no spread": ([0.0031, 0.0029, 0.003, 0.0032], [0.001, 0.02, 0.001, 0.3]),
}


@pytest.mark.parametrize("name", MEASURED)
def test_the_grid_gives_what_numerical_integration_gives(name: str) -> None:
    """Over log tau, piece by piece, as the posterior may be narrow: however much errors differ from each other, and
    from what gains do."""
    gain_K, error_K = (np.array(each) for each in MEASURED[name])
    typical = np.mean(error_K**-2.0) ** -0.5

    def log_density(tau: float) -> float:
        log_likelihood = pooling.given(np.array([tau]), gain_K, error_K)[2][0]
        return float(log_likelihood + np.log(tau / (1 + tau / typical)))

    pieces = np.linspace(np.log(typical) - 16, np.log(max(np.ptp(gain_K), error_K.max())) + 16, 160)
    top = max(log_density(float(np.exp(at))) for at in pieces)

    def chance(of: float) -> float:
        def below(log_tau: float) -> float:
            mean, error, _ = (each[0] for each in pooling.given(np.array([np.exp(log_tau)]), gain_K, error_K))
            share = special.ndtr((of - mean) / np.hypot(np.exp(log_tau), error))
            return float(np.exp(log_density(float(np.exp(log_tau))) - top) * share)

        return float(sum(integrate.quad(below, *ends)[0] for ends in pairwise(pieces)))

    whole, found = chance(np.inf), pooled(list(gain_K), list(error_K))
    for end, share in zip(found.predicted, (0.025, 0.975), strict=True):
        assert chance(end) / whole == pytest.approx(share, abs=1e-4)
    assert found.chance_above(0.001) == pytest.approx(1 - chance(0.001) / whole, abs=1e-4)


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
