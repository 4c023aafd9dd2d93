"""Inference that holds at every number of repetitions at once, so that what is seen may decide when to stop.

The e-value against a mean of zero, of normal values of unknown deviation, is a likelihood ratio of their t statistic:
under effects (mean over deviation) drawn from a normal distribution, over that under no effect. If the mean is zero it
exceeds 1 / a at any number of values with a chance of at most a (Ville's inequality). The means that it speaks against
less are an interval, which holds the true mean at all numbers at once with a chance of 1 - a. After Wang and Ramdas,
Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance (2023); Lai (1976) has the same
with a flat mixture.

Where all values share an error of known deviation, as that of their test rows, half of the level is spent on it: the
interval is longer by its normal quantile, and holds with a chance of 1 - a by Bonferroni's inequality.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Values = TypeVar("Values", float, Floats)

SPREAD = 2.0
"""Standard deviation of the effects that the e-value looks for, in deviations over repetitions."""
LARGE = 5.0
"""The same for seeds on the same data, which differ little: it tells large effects from fewer of them."""
SMALLEST, HALVINGS = 1e-12, 40
"""The smallest p that is told where values share an error, and how finely."""


def always_interval(
    mean: Values, deviation: Values, n: int, level: float, shared: float = 0.0, spread: float = SPREAD
) -> tuple[Values, Values]:
    """Ends of the interval from n values; infinite while n is too small. shared: standard error that all have in
    common. spread: as `SPREAD`."""
    width = deviation * _widths(n, level / 2 if shared else level, spread) + _of_shared(shared, level)
    return mean - width, mean + width


def always_p(
    mean: float | Floats, deviation: float | Floats, n: int, shared: float = 0.0, spread: float = SPREAD
) -> Floats:
    """A p that holds whenever the repetitions stop: one over the e-value, and at most 1; with an error in common, the
    level at which the interval ends at zero."""
    if shared:
        assert isinstance(mean, float)
        assert isinstance(deviation, float)
        return np.asarray(_level_at(abs(mean), deviation, n, shared, spread))
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.where(np.equal(mean, 0), 0.0, n * np.square(np.divide(mean, deviation)) / (n - 1))
        ratio = 1 + n * spread**2
        # (1 + t) / (1 + t / ratio), which is `ratio` where t is infinite
        gain = np.where(np.isinf(square), ratio, (1 + square) / (1 + square / ratio))
    return np.minimum(1.0, math.sqrt(ratio) * gain ** (-n / 2))


def _widths(n: int, level: float, spread: float) -> float:
    """Half of the interval's length, in deviations: where the e-value of the ends is 1 / level."""
    ratio = 1 + n * spread**2
    bound = (math.sqrt(ratio) / level) ** (2 / n)
    return math.sqrt((n - 1) / n * (bound - 1) / (1 - bound / ratio)) if bound < ratio else math.inf


def _of_shared(shared: float, level: float) -> float:
    """What half of a level leaves to an error in common, two-sided."""
    return shared * float(special.ndtri(1 - level / 4)) if shared else 0.0


def _level_at(distance: float, deviation: float, n: int, shared: float, spread: float) -> float:
    """By halving the logarithm of the level."""
    low, high = math.log(SMALLEST), 0.0
    for _ in range(HALVINGS):
        level = math.exp((low + high) / 2)
        if always_interval(distance, deviation, n, level, shared, spread)[0] > 0:
            high = math.log(level)
        else:
            low = math.log(level)
    return math.exp(high)
