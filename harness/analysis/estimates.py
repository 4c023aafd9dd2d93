"""A mean over seeds with its interval, and what its seeds can tell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.analysis import inference
from harness.analysis.always_valid import SPREAD, always_interval, always_p


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95 % Student-t interval; no interval from one seed. values: one per seed.

    test_error: standard error of the mean from the test set that all seeds share; 0 where it is unknown, or where each
    has its own and shows it in its value. stopped: whether the values decided how many there are; interval and p are
    then always valid, with this spread.
    """

    values: tuple[float, ...]
    test_error: float = 0.0
    stopped: bool = False
    spread: float = SPREAD

    @property
    def n(self) -> int:
        return len(self.values)

    @cached_property
    def _array(self) -> inference.Floats:
        return np.array(self.values)

    @cached_property
    def mean(self) -> float:
        return float(self._array.mean())

    @cached_property
    def _interval(self) -> tuple[float, float] | None:
        if self.deviation is None:
            return None
        if self.stopped:
            low, high = self.always(inference.LEVEL)
            return (low, high) if math.isfinite(low) else None
        low, high = inference.interval_of(self.mean, self.deviation, self.n, self.test_error)
        return float(low), float(high)

    def always(self, level: float) -> tuple[float, float]:
        """The interval that holds at every number of values at once; infinite where they are too few."""
        if self.deviation is None:
            return -math.inf, math.inf
        return always_interval(self.mean, self.deviation, self.n, level, self.test_error, self.spread)

    @property
    def low(self) -> float | None:
        return self._interval[0] if self._interval else None

    @property
    def high(self) -> float | None:
        return self._interval[1] if self._interval else None

    @property
    def sign(self) -> int:
        """1 or -1 where the interval excludes zero on that side; 0 where the seeds do not tell."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)

    @property
    def identical(self) -> bool:
        """Every difference is exactly zero: a run compared with itself."""
        return not any(self.values)

    @cached_property
    def deviation(self) -> float | None:
        """Standard deviation over seeds."""
        return float(self._array.std(ddof=1)) if self.n > 1 else None

    @property
    def error(self) -> float | None:
        """Standard error of the mean, from seeds and test set; None from one seed."""
        return None if self.deviation is None else math.hypot(self.deviation / math.sqrt(self.n), self.test_error)

    def detectable(self, level: float = inference.LEVEL) -> float | None:
        """The smallest mean that this many seeds, varying as much, would tell from zero four times in five; None from
        one seed, and where the values decided how many there are."""
        if self.deviation is None or self.stopped:
            return None
        spread, share = inference.spread_of(self.deviation, self.n, self.test_error)
        return inference.detectable_effect(self.n, level, share) * spread

    @cached_property
    def bootstrap(self) -> tuple[float, float] | None:
        """The BCa bootstrap interval; None with too few seeds for one."""
        if self.n < inference.BOOTSTRAP_FROM:
            return None
        low, high = inference.bootstrap_interval(self._array[None])
        return float(low[0]), float(high[0])

    @cached_property
    def p_value(self) -> float | None:
        """Of the t test that the mean is zero; None from one seed."""
        if self.deviation is None:
            return None
        if self.stopped:
            return float(always_p(self.mean, self.deviation, self.n, self.test_error, self.spread))
        return float(inference.p_of(self.mean, self.deviation, self.n, self.test_error))

    @cached_property
    def sign_flip(self) -> float | None:
        """p of the sign-flip test that the values are symmetric about zero; None from one seed. Of seeds alone."""
        return float(inference.sign_flip(self._array)) if self.n > 1 else None


def estimate(
    values: Iterable[float], test_error: float = 0.0, *, stopped: bool = False, spread: float = SPREAD
) -> Estimate | None:
    """Of values that have nothing in common but their test set; None of none."""
    found = tuple(float(v) for v in values)
    return Estimate(found, test_error, stopped, spread) if found else None


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm-adjusted p-values of a family; what has no p-value is no member of it."""
    adjusted = iter(inference.holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]
