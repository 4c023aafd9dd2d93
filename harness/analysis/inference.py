"""Inference from one value per seed: intervals, tests, correction for many, and what so few seeds can show.

Values are float64 of shape [..., n]: n seeds in the last axis, any number of samples before it. Which interval and test
deserve trust at which n is measured by `python -m perf.coverage`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

Floats = npt.NDArray[np.float64]
Values = TypeVar("Values", float, Floats)

LEVEL, POWER = 0.05, 0.8
"""Two-sided level of every interval and test, and the power that a detectable difference is detected with."""
BOOTSTRAP_FROM = 20
"""Seeds from which a bootstrap interval is given; with fewer it covers far less than it says."""
MOST_SEEDS = 1000
QUANTILES = 200
"""Of the deviation that seeds show, over which the power of a test is averaged."""
RESAMPLES = 9999


@cache
def _critical(n: int, level: float = LEVEL) -> float:
    """Of Student's t with n seeds, two-sided."""
    return float(stats.t.isf(level / 2, n - 1))


@cache
def _flips(n: int) -> Floats:
    """All 2^n rows of n signs."""
    return np.asarray(1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1), np.float64)


def t_interval(values: Floats) -> tuple[Floats, Floats]:
    """Ends of the Student-t interval of the mean; n >= 2."""
    return interval_of(values.mean(-1), values.std(-1, ddof=1), values.shape[-1])


def interval_of(mean: Values, deviation: Values, n: int, shared: float | Floats = 0.0) -> tuple[Values, Values]:
    """The same from the mean of n values and their standard deviation.

    shared: standard error of what all n values have in common, which their deviation does not show. The variances of
    the mean add up, and the degrees of freedom are Satterthwaite's (1946), `shared` being known. These go by the
    estimated deviation: one that is small by chance makes the error small and its degrees of freedom many. So the
    interval is never narrower than that of the deviation alone.
    """
    half = _half(deviation, n, shared, LEVEL)
    return mean - half, mean + half


def _half(deviation: Values, n: int, shared: float | Floats, level: float) -> Values:
    """Of the interval's length, at a level."""
    of_seeds, of_both = (
        -special.stdtrit(_freedom(deviation, n, each), level / 2) * np.hypot(deviation, math.sqrt(n) * each)
        for each in (0.0, shared)
    )
    wider: Values = np.maximum(of_seeds, of_both)
    return wider / math.sqrt(n)


def bootstrap_interval(values: Floats, resamples: int = RESAMPLES) -> tuple[Floats, Floats]:
    """Ends of the bias-corrected and accelerated (BCa) bootstrap interval of the mean; the mean where all are equal."""
    low, high = values.mean(-1), values.mean(-1)
    vary = np.ptp(values, axis=-1) > 0
    if vary.any():
        found = stats.bootstrap(
            (values[vary],), np.mean, axis=-1, n_resamples=resamples, confidence_level=1 - LEVEL, batch=64, rng=0
        ).confidence_interval
        low[vary], high[vary] = found.low, found.high
    return low, high


def t_test(values: Floats, shared: float | Floats = 0.0) -> Floats:
    """Two-sided p of Student's paired t test; 1 where every value is zero. shared: as of `p_of`."""
    return p_of(values.mean(-1), values.std(-1, ddof=1), values.shape[-1], shared)


def p_of(mean: Values, deviation: Values, n: int, shared: float | Floats = 0.0) -> Floats:
    """The same from the mean of n values and their standard deviation. shared: as of `interval_of`, and no p is smaller
    than that of the deviation alone."""
    return np.maximum(*(_p_of(mean, deviation, n, each) for each in (0.0, shared)))


def _p_of(mean: Values, deviation: Values, n: int, shared: float | Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.divide(np.hypot(deviation, math.sqrt(n) * shared), math.sqrt(n))
        statistic = np.where(mean == 0, 0.0, mean / error)
    return np.asarray(2 * special.stdtr(_freedom(deviation, n, shared), -np.abs(statistic)))


def _freedom(deviation: float | Floats, n: int, shared: float | Floats) -> Floats:
    """Degrees of freedom of deviation**2 / n + shared**2, of which the deviation alone is estimated."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.equal(shared, 0), 0.0, n * np.square(np.divide(shared, deviation)))
    return np.asarray((n - 1) * np.square(1 + share))


def sign_flip(values: Floats, resamples: int = RESAMPLES) -> Floats:
    """Two-sided p of the sign-flip permutation test of the mean: twice the smaller of the one-sided ones.

    Exact, over all flips, where there are no more of them than `resamples`: up to 13 seeds; from random ones above.
    """
    n = values.shape[-1]
    if 2**n <= resamples:
        flipped = values @ _flips(n).T / n
        mean = values.mean(-1)[..., None]
        tie = np.abs(100 * np.finfo(np.float64).eps * mean)
        one_sided = [(flipped <= mean + tie).mean(-1), (flipped >= mean - tie).mean(-1)]
        return np.asarray(np.minimum(1.0, 2 * np.minimum(*one_sided)))
    found = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", vectorized=True, axis=-1, n_resamples=resamples, rng=0
    )
    return np.asarray(found.pvalue)


def smallest_sign_flip(n: int) -> float:
    """The smallest p that `sign_flip` can give with n seeds, however large the effect: 2 / 2^n where it is exact."""
    return min(1.0, max(2.0 ** (1 - n), 2 / (RESAMPLES + 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values by Holm's step-down procedure (1979), in the order given.

    Rejecting where they are below a level keeps the chance of any false rejection below it.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return [float(v) for v in np.minimum(adjusted, 1.0)]


def power(effect: float, n: int, level: float = LEVEL, share: float = 0.0) -> float:
    """Chance that a two-sided paired t test over n seeds detects a mean difference of `effect` standard deviations.

    share: of the variance of the mean, that which is no seed's but common to all, as the error of their test rows. The
    standard deviation is then that of the mean times the root of n, and the test is `p_of`'s: given the deviation that
    the seeds show, the mean is normal, and the chance is averaged over the quantiles of that deviation.
    """
    shift = effect * np.sqrt(n)
    if not share:
        critical = _critical(n, level)
        return float(stats.nct.sf(critical, n - 1, shift) + stats.nct.sf(critical, n - 1, -shift))
    shown, weights = _deviations(n)
    half = _half(math.sqrt(n * (1 - share)) * shown, n, math.sqrt(share), level)
    return float(weights @ (special.ndtr(shift - half) + special.ndtr(-shift - half)))


@cache
def _deviations(n: int) -> tuple[Floats, Floats]:
    """What a standard deviation of n normal values is estimated at, over the true one, at quantiles with weights."""
    points, weights = np.polynomial.legendre.leggauss(QUANTILES)
    return np.sqrt(stats.chi2.ppf((1 + points) / 2, n - 1) / (n - 1)), weights / 2


@cache
def detectable_effect(n: int, level: float = LEVEL, share: float = 0.0) -> float:
    """The smallest mean difference, in the standard deviations of `power`, that n seeds detect with `POWER`."""
    most = _critical(n, level) + 25
    return float(optimize.brentq(lambda effect: power(effect, n, level, share) - POWER, 0.0, most))


def spread_of(deviation: float, n: int, shared: float) -> tuple[float, float]:
    """The standard deviation and the share of `power`, of n values with this deviation. shared: as of `interval_of`."""
    common = math.sqrt(n) * shared
    spread = math.hypot(deviation, common)
    return spread, (common / spread) ** 2 if common else 0.0


def seeds_for(difference: float, deviation: float, level: float = LEVEL, shared: float = 0.0) -> int | None:
    """Seeds that detect a mean difference with `POWER`, given the standard deviation of the differences over seeds.

    shared: as of `interval_of`, and the same with however many seeds. None: more than `MOST_SEEDS`.
    """

    def detect(n: int) -> bool:
        spread, share = spread_of(deviation, n, shared)
        return power(abs(difference) / spread, n, level, share) >= POWER if spread else difference != 0

    counts = range(2, MOST_SEEDS + 1)
    found = bisect_left(counts, True, key=detect)
    return counts[found] if found < len(counts) else None


def hides(shared: float, difference: float, level: float = LEVEL) -> bool:
    """Whether no number of seeds detects a mean difference with `POWER`, by the error alone that they share."""
    return shared > 0 and bool(special.ndtr(abs(difference) / shared + special.ndtri(level / 2)) < POWER)
