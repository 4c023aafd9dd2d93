"""Intervals hold the truth and tests reject it as often as they say; power and corrections match their definitions."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest
from scipy import stats

from harness.analysis.estimates import Estimate, estimate
from harness.analysis.inference import (
    BOOTSTRAP_FROM,
    Floats,
    bootstrap_interval,
    detectable_effect,
    hides,
    holm,
    interval_of,
    p_of,
    power,
    seeds_for,
    sign_flip,
    smallest_sign_flip,
    t_interval,
    t_test,
)
from perf import shared_error
from perf.coverage import markdown
from perf.known_mean import SHAPES

SIMULATIONS = 4000
SEEDS = (3, 5, 8, 20)


def expected(share: float) -> tuple[float, float]:
    """Where the measured share of `SIMULATIONS` falls but once in a million, if the true share is this."""
    low, high = stats.binom.interval(1 - 1e-6, SIMULATIONS, share)
    return low / SIMULATIONS, high / SIMULATIONS


def drawn(shape: str, n: int) -> Floats:
    return SHAPES[shape](np.random.default_rng(n), (SIMULATIONS, n))


@pytest.mark.parametrize("n", SEEDS)
def test_the_t_interval_covers_and_the_t_test_rejects_as_they_say(n: int) -> None:
    values = drawn("normal", n)
    low, high = t_interval(values)
    bounds = expected(0.95)
    assert bounds[0] <= np.mean((low <= 0) & (high >= 0)) <= bounds[1]
    assert np.mean(t_test(values) <= 0.05) == pytest.approx(np.mean((low > 0) | (high < 0)))


def test_the_t_test_is_scipys() -> None:
    values = drawn("exponential (skewness 2)", 5)[:50]
    assert t_test(values) == pytest.approx(stats.ttest_1samp(values, 0, axis=1).pvalue)
    assert t_test(np.zeros(4)) == 1
    assert t_test(np.full(4, 0.25)) == 0


@pytest.mark.parametrize("shape", ["normal", "uniform", "Student t, 3 degrees of freedom"])
@pytest.mark.parametrize("n", [3, 5, 8])
def test_the_sign_flip_test_is_exact_for_symmetric_differences(n: int, shape: str) -> None:
    """Its p takes the values 2k / 2^n, each equally likely: at level 2k / 2^n it rejects 2k / 2^n."""
    p = sign_flip(drawn(shape, n))
    for level in (2 / 2**n, 0.25, 0.5):
        low, high = expected(level)
        assert low <= np.mean(p <= level + 1e-12) <= high
    assert np.mean(p <= 0.05) <= expected(0.05)[1]


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_the_sign_flip_test_enumerates_every_flip(n: int) -> None:
    values = np.asarray(np.random.default_rng(n).normal(0.5, 1, n))
    flips = np.array(list(product((-1, 1), repeat=n))) @ values
    tail = min(np.mean(flips >= values.sum() - 1e-12), np.mean(flips <= values.sum() + 1e-12))
    assert sign_flip(values) == pytest.approx(min(1.0, 2 * tail))


@pytest.mark.parametrize(("n", "p"), [(1, 1.0), (2, 0.5), (3, 0.25), (5, 0.0625), (8, 0.0078125), (14, 2e-4)])
def test_few_seeds_bound_the_sign_flip_p_from_below(n: int, p: float) -> None:
    assert smallest_sign_flip(n) == p
    if n > 1:
        assert sign_flip(np.arange(1.0, n + 1) * 1e6) == pytest.approx(p)


def test_the_bootstrap_covers_less_than_student_t_below_its_smallest_number_of_seeds() -> None:
    """What `BOOTSTRAP_FROM` rests on."""
    for n in (5, 8):
        values = drawn("normal", n)
        low, high = bootstrap_interval(values, 199)
        assert np.mean((low <= 0) & (high >= 0)) < expected(0.95)[0]
    values = drawn("normal", BOOTSTRAP_FROM)
    low, high = bootstrap_interval(values, 499)
    assert np.mean((low <= 0) & (high >= 0)) > 0.91


def test_the_bootstrap_of_a_constant_is_the_constant() -> None:
    values = np.vstack([np.full(20, 0.5), np.arange(20.0)])
    low, high = bootstrap_interval(values, 99)
    assert low[0] == high[0] == 0.5
    assert low[1] < 9.5 < high[1]


def test_an_estimate_gives_a_bootstrap_interval_only_with_enough_seeds() -> None:
    values = np.random.default_rng(1).normal(size=BOOTSTRAP_FROM)
    few, enough = estimate(values[1:]), estimate(values)
    assert few is not None
    assert enough is not None
    assert enough.bootstrap is not None
    assert few.bootstrap is None
    assert enough.bootstrap[0] < enough.mean < enough.bootstrap[1]


def test_holm_matches_a_hand_computed_example() -> None:
    """Sorted .005 .01 .03 .04 times 4 3 2 1 is .02 .03 .06 .04; no adjusted p is below the one before it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_holm_keeps_the_chance_of_any_false_claim_and_no_correction_does_not() -> None:
    """12 arms without effect that share their baseline's noise, 5 seeds."""
    rng = np.random.default_rng(3)
    p = t_test(rng.normal(size=(SIMULATIONS, 12, 5)) - rng.normal(size=(SIMULATIONS, 1, 5)))
    assert np.mean([min(holm(row)) <= 0.05 for row in p]) <= expected(0.05)[1]
    assert np.mean(p.min(1) <= 0.05) > 0.3


@pytest.mark.parametrize("n", [3, 5])
def test_seeds_that_vary_little_by_chance_claim_nothing_by_a_test_error_beside_them(n: int) -> None:
    """12 arms without effect. With V added by Satterthwaite's degrees of freedom alone it is .19 and .10 of plans."""
    values, shared = shared_error.simulate(n, 0.2, SIMULATIONS, np.random.default_rng(n))
    mean, deviation = values.mean(-1), values.std(-1, ddof=1)
    p = p_of(mean, deviation, n, shared)
    assert np.mean([min(holm(row)) <= 0.05 for row in p]) <= expected(0.05)[1]
    low, high = interval_of(mean, deviation, n, shared)
    alone = interval_of(mean, deviation, n)
    assert np.all((low <= alone[0]) & (alone[1] <= high))
    assert np.array_equal(p <= 0.05, (low > 0) | (high < 0))


def test_an_error_in_common_that_is_large_leaves_the_seeds_alone_no_say() -> None:
    """Then the interval is the one of Satterthwaite, and no longer."""
    values, shared = shared_error.simulate(5, 10.0, SIMULATIONS, np.random.default_rng(0))
    deviation = values.std(-1, ddof=1)
    low, high = interval_of(values.mean(-1), deviation, 5, shared)
    error = np.hypot(deviation / math.sqrt(5), shared)
    assert (high - low) / 2 == pytest.approx(
        stats.t.isf(0.025, 4 * (1 + 5 * shared**2 / deviation**2) ** 2) * error, rel=1e-6
    )
    assert interval_of(0.0, 0.0, 5, 1.0)[1] == pytest.approx(stats.norm.isf(0.025))


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_the_detectable_difference_is_detected_four_times_in_five(n: int) -> None:
    effect = detectable_effect(n)
    critical = stats.t.ppf(0.975, n - 1)
    assert stats.nct.sf(critical, n - 1, effect * math.sqrt(n)) == pytest.approx(0.8, abs=1e-6)
    p = t_test(np.random.default_rng(n).normal(effect, 1, (SIMULATIONS, n)))
    low, high = expected(0.8)
    assert low <= np.mean(p <= 0.05) <= high


@pytest.mark.parametrize(("n", "share"), [(2, 0.5), (3, 0.2), (5, 0.5), (5, 0.95), (3, 1.0)])
def test_what_is_detectable_beside_a_test_error_is_detected_four_times_in_five(n: int, share: float) -> None:
    """By the test that is made, of an estimate with these two errors; levels with and without correction."""
    rng, own, shared = np.random.default_rng(n), math.sqrt(n * (1 - share)), math.sqrt(share)
    for level in (0.05, 0.05 / 12):
        effect = math.sqrt(n) * detectable_effect(n, level, share)
        values = effect + shared * rng.normal(size=(SIMULATIONS, 1)) + own * rng.normal(size=(SIMULATIONS, n))
        low, high = expected(0.8)
        assert low <= np.mean(p_of(values.mean(-1), values.std(-1, ddof=1), n, shared) <= level) <= high
    alike = Estimate(tuple(own * stats.zscore(np.arange(n), ddof=1)), shared)
    assert alike.detectable(0.05 / 12) == pytest.approx(effect)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_power_beside_a_test_error_that_is_nothing_is_that_of_the_t_test(n: int) -> None:
    for effect, level in ((0.0, 0.05), (0.5, 0.05), (2.0, 0.05 / 12)):
        assert power(effect, n, level, 1e-12) == pytest.approx(power(effect, n, level), abs=1e-5)


def test_values_that_decided_how_many_they_are_have_no_detectable_difference() -> None:
    """It would be that of a t test, which is not made of them."""
    assert Estimate((0.1, 0.2, 0.3), stopped=True).detectable() is None


def test_more_seeds_do_not_show_what_the_test_rows_hide() -> None:
    level = 0.05 / 12
    assert seeds_for(0.001, 0.0009, level) == 16
    assert hides(0.00142, 0.001, level)
    assert seeds_for(0.001, 0.0009, level, 0.00142) is None
    assert not hides(0.000268, 0.001, level)
    assert seeds_for(0.001, 0.0009, level, 0.000268) in range(500, 1001)
    assert hides(0.0002, 0.0)
    assert not hides(0.0, 0.0)
    assert seeds_for(0.0, 0.0) is None


def test_the_seeds_a_difference_takes_beside_a_test_error_detect_it() -> None:
    level, shared, rng = 0.05 / 12, 0.0002, np.random.default_rng(0)
    n = seeds_for(0.001, 0.0009, level, shared)
    assert n is not None
    assert n > 16
    powers = []
    for count in (n, n // 2):
        values = 0.001 + shared * rng.normal(size=(SIMULATIONS, 1)) + 0.0009 * rng.normal(size=(SIMULATIONS, count))
        powers.append(np.mean(p_of(values.mean(-1), values.std(-1, ddof=1), count, shared) <= level))
    low, high = expected(0.8)
    assert powers[1] < low <= powers[0] <= high


def test_power_at_no_difference_is_the_level_and_grows() -> None:
    assert power(0.0, 5) == pytest.approx(0.05)
    assert all(a < b for a, b in pairwise(power(e, 5) for e in (0.0, 0.5, 1.0, 2.0, 4.0)))


def test_the_seeds_a_difference_takes_are_the_fewest_that_detect_it() -> None:
    n = seeds_for(-0.001, 0.002)
    assert n is not None
    assert power(0.5, n) >= 0.8 > power(0.5, n - 1)
    assert seeds_for(1.0, 0.0) == 2
    assert seeds_for(1e-6, 1.0) is None


def test_the_published_table_says_what_was_measured() -> None:
    lines = [line.strip("| ").split(" | ") for line in markdown(100, 0).splitlines() if line.startswith("| normal")]
    three = next(line for line in lines if line[1] == "3")
    assert three[-1] == ".000"
    assert float(three[2]) > 0.85 > float(three[3])


@pytest.mark.parametrize("n", [3, 5, 9])
def test_the_sign_flip_test_is_scipys(n: int) -> None:
    rng = np.random.default_rng(n)
    ties = np.array([1.0, -1.0, *[0.0] * (n - 2)])
    for values in (rng.normal(0.3, 1, n), np.round(rng.normal(0, 1, n), 1), np.zeros(n), ties):
        found = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=9999, rng=0)
        assert sign_flip(values) == pytest.approx(found.pvalue)


def test_holm_and_power_are_those_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.power import TTestPower

    p = np.random.default_rng(2).beta(0.5, 3, 25)
    assert holm(list(p)) == pytest.approx(multipletests(p, method="holm")[1])
    for effect, n, level in ((0.3, 10, 0.05), (1.2, 5, 0.05 / 7), (0.0, 8, 0.05), (3.0, 3, 0.01)):
        assert power(effect, n, level) == pytest.approx(TTestPower().power(effect, n, level), abs=1e-9)
