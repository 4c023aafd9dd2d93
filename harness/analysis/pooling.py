"""Gains on several data sets, partly pooled: how much they differ between data sets, and what a new one would give.

The normal-normal model of random effects: the gain that was measured on a data set is its own plus an error of known
deviation, and own gains are normal around a mean with deviation tau. Mean and tau are what is not known. Given tau the
rest has a closed form, so that tau alone is gone through, on a grid. The mean has a flat prior, and tau one of density
1 / (s + tau), s being the typical error: flat where tau is too small to be seen, and that of an unknown scale where it
is not. It has no scale of its own. How often the intervals hold at which tau is measured by `python -m perf.pooling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from harness.analysis.inference import LEVEL

Floats = npt.NDArray[np.float64]
FEWEST = 3
"""Data sets from which a spread between them is estimated."""
POINTS, REACH = 1000, 1000.0
"""Of the grid: how many, and how far it goes below what can be seen of a spread, and above all that was."""


@dataclass(frozen=True)
class Pooled:
    """What K gains say of the data sets that they are a sample of.

    tau_T: the grid, of equal steps of the logarithm. weight_T: the posterior of each point.
    mean_T, error_T: mean gain and its standard error, given tau.
    """

    tau_T: Floats
    weight_T: Floats
    mean_T: Floats
    error_T: Floats

    @property
    def mean(self) -> float:
        """The mean gain over data sets."""
        return float(self.weight_T @ self.mean_T)

    @property
    def tau(self) -> float:
        """The deviation of gains between data sets: the median of what it may be."""
        return float(np.interp(0.5, np.cumsum(self.weight_T), self.tau_T))

    @property
    def mean_interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean gain."""
        return self._interval(self.error_T)

    @property
    def predicted(self) -> tuple[float, float]:
        """The 95 % interval of the gain on a data set not yet seen."""
        return self._interval(self._spread_T)

    def chance_above(self, gain: float) -> float:
        """The chance that a data set not yet seen gains more than this."""
        return 1 - self._below(gain, self._spread_T)

    def share_below(self, gain: float, error: float = 0.0) -> float:
        """The chance that a gain measured with this error on a data set not yet seen is below this one."""
        return self._below(gain, np.hypot(self._spread_T, error))

    @property
    def _spread_T(self) -> Floats:
        return np.asarray(np.hypot(self.tau_T, self.error_T))

    def _below(self, value: float, spread_T: Floats) -> float:
        return float(self.weight_T @ special.ndtr((value - self.mean_T) / spread_T))

    def _interval(self, spread_T: Floats) -> tuple[float, float]:
        heavy_T = self.weight_T > 1e-9
        far = 10 * float(spread_T[heavy_T].max())
        low, high = self.mean - far, self.mean + far
        ends = [
            optimize.brentq(lambda x, share=share: self._below(x, spread_T) - share, low, high)
            for share in (LEVEL / 2, 1 - LEVEL / 2)
        ]
        return ends[0], ends[1]


def pool(gains: Sequence[float] | Floats, errors: Sequence[float] | Floats) -> Pooled | None:
    """Pool the gains of data sets. errors: their standard errors.

    None where there are fewer than `FEWEST`, or one has no error: a run compared with itself.
    """
    if len(gains) < FEWEST or min(errors) <= 0:
        return None
    gain_K, error_K = np.asarray(gains, np.float64), np.asarray(errors, np.float64)
    typical = float(np.mean(error_K**-2.0) ** -0.5)
    edges = np.geomspace(typical / REACH, max(float(gain_K.std()), float(error_K.max())) * REACH, POINTS + 1)
    tau_T = np.sqrt(edges[:-1] * edges[1:])
    step_T = np.diff(edges)
    step_T[0] = edges[1]  # below the first edge a spread makes no difference
    mean_T, error_T, log_T = given(tau_T, gain_K, error_K)
    log_T += np.log(step_T / (typical + tau_T))
    weight_T = np.exp(log_T - log_T.max())
    return Pooled(tau_T, weight_T / weight_T.sum(), mean_T, error_T)


def given(tau_T: Floats, gain_K: Floats, error_K: Floats) -> tuple[Floats, Floats, Floats]:
    """At each tau the mean gain, its standard error, and the log of the likelihood, over which the mean is integrated
    (the restricted one)."""
    variance_TK = error_K**2 + tau_T[:, None] ** 2
    total_T = (1 / variance_TK).sum(1)
    mean_T = (gain_K / variance_TK).sum(1) / total_T
    misfit_T = ((gain_K - mean_T[:, None]) ** 2 / variance_TK).sum(1)
    return mean_T, total_T**-0.5, -0.5 * (np.log(variance_TK).sum(1) + np.log(total_T) + misfit_T)
