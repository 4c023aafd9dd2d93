"""Do claims hold where all seeds of an arm share a test error of known deviation: simulated, for `perf.coverage`.

Differences are normal. Half of the variance of an arm, over seeds and of its test error alike, is the baseline's, which
all arms share.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from harness.analysis.inference import LEVEL, Floats, holm, interval_of, p_of
from perf.markdown import share

ARMS = 12
SEEDS = (3, 5, 7, 20)
RATIOS = (0.0, 0.05, 0.2, 0.5, 1.0, 4.0)
"""Variance of the mean from the test rows over that from the seeds, n V / s²: small ones are where an s that
comes out too small by chance does most harm."""
HEADER = (
    "seeds",
    "n V / s²",
    "coverage",
    f"any false claim of {ARMS} arms: Holm",
    "length over that of seeds alone",
)


def simulate(n: int, ratio: float, plans: int, rng: np.random.Generator) -> tuple[Floats, float]:
    """Differences [plans, arms, seeds] of arms without effect, in deviations over seeds; and their shared error."""
    seeds = rng.normal(size=(plans, ARMS, n)) + rng.normal(size=(plans, 1, n))
    rows = rng.normal(size=(plans, ARMS, 1)) + rng.normal(size=(plans, 1, 1))
    shared = float(np.sqrt(ratio / n))
    return np.asarray((seeds + shared * rows) / np.sqrt(2)), shared


def line(n: int, ratio: float, plans: int, rng: np.random.Generator) -> tuple[str, ...]:
    """A line of `HEADER`."""
    values, shared = simulate(n, ratio, plans, rng)
    mean, deviation = values.mean(-1), values.std(-1, ddof=1)
    low, high = interval_of(mean, deviation, n, shared)
    alone, beyond = interval_of(mean, deviation, n)
    claims = [min(holm(p)) <= LEVEL for p in p_of(mean, deviation, n, shared)]
    shares = np.mean((low <= 0) & (high >= 0)), np.mean(claims)
    length = float((high - low).mean() / (beyond - alone).mean())
    return str(n), f"{ratio:g}", *map(share, shares), f"{length:.2f}"


def table(plans: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Lines of `HEADER`."""
    return (line(n, ratio, plans, rng) for n in SEEDS for ratio in RATIOS)


def added_alone(plans: int, rng: np.random.Generator) -> float:
    """Share of plans of three seeds with a false claim where V is added, and the seeds alone are not asked."""
    values, shared = simulate(3, 0.2, plans, rng)
    n, variance = values.shape[-1], values.var(-1, ddof=1) / values.shape[-1]
    statistic = np.abs(values.mean(-1)) / np.sqrt(variance + shared**2)
    p_values = 2 * stats.t.sf(statistic, (n - 1) * (1 + shared**2 / variance) ** 2)
    return float(np.mean([min(holm(p)) <= LEVEL for p in p_values]))
