"""Inference that holds at every number of repetitions at once, so that what is seen may decide when to stop.

The e-value against a mean of zero, of normal values of unknown deviation, is a likelihood ratio of their t statistic:
under effects (mean over deviation) drawn from a normal distribution, over that under no effect. If the mean is zero it
exceeds 1 / a at any number of values with a chance of at most a (Ville's inequality). The means that it speaks against
less are an interval, which holds the true mean at all numbers at once with a chance of 1 - a. After Wang and Ramdas,
Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance (2023); Lai (1976) has the same
with a flat mixture.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Values = TypeVar("Values", float, Floats)

SPREAD = 2.0
"""Standard deviation of the effects that the e-value looks for, in deviations over repetitions."""


def always_interval(mean: Values, deviation: Values, n: int, level: float) -> tuple[Values, Values]:
    """Ends of the interval from n values; infinite while n is too small."""
    width = deviation * _widths(n, level)
    return mean - width, mean + width


def always_p(mean: float | Floats, deviation: float | Floats, n: int) -> Floats:
    """One over the e-value, and at most 1: a p that holds whenever the repetitions stop."""
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.where(np.equal(mean, 0), 0.0, n * np.square(np.divide(mean, deviation)) / (n - 1))
        ratio = 1 + n * SPREAD**2
        # (1 + t) / (1 + t / ratio), which is `ratio` where t is infinite
        gain = np.where(np.isinf(square), ratio, (1 + square) / (1 + square / ratio))
    return np.minimum(1.0, math.sqrt(ratio) * gain ** (-n / 2))


def _widths(n: int, level: float) -> float:
    """Half of the interval's length, in deviations: where the e-value of the ends is 1 / level."""
    ratio = 1 + n * SPREAD**2
    bound = (math.sqrt(ratio) / level) ** (2 / n)
    return math.sqrt((n - 1) / n * (bound - 1) / (1 - bound / ratio)) if bound < ratio else math.inf
