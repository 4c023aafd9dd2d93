"""Do intervals and tests keep what they say of differences whose mean is known: simulated, for `perf.coverage`.

Differences are drawn from five distributions, in numbers that seeds come in; arms of a plan share the noise of their
baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from harness.analysis.inference import (
    LEVEL,
    Floats,
    bootstrap_interval,
    detectable_effect,
    holm,
    sign_flip,
    smallest_sign_flip,
    t_interval,
    t_test,
)

SEEDS = (3, 5, 8, 20, 50)
ARMS = 24
CHUNK, RESAMPLES = 500, 999

Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]
SHAPES: dict[str, Draw] = {
    "normal": lambda rng, size: rng.normal(size=size),
    "uniform": lambda rng, size: rng.uniform(-1, 1, size),
    "Student t, 3 degrees of freedom": lambda rng, size: rng.standard_t(3, size),
    "exponential (skewness 2)": lambda rng, size: rng.exponential(size=size) - 1,
    "log-normal (skewness 6.2)": lambda rng, size: rng.lognormal(size=size) - np.exp(0.5),
}
"""Distributions of mean zero that differences over seeds are drawn from."""
HEADER = (
    "differences",
    "seeds",
    "coverage: Student t",
    "coverage: BCa bootstrap",
    "size: t test",
    "size: sign-flip test",
)
FAMILY_HEADER = (
    "seeds",
    "power at the detectable difference",
    "any false claim: no correction",
    "any false claim: Holm",
)

FEW_HEADER = ("seeds", "smallest sign-flip p", "arms it can be corrected for", "detectable", "true deviation")


def one_difference(draw: Draw, n: int, simulations: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Shares of simulations: intervals (t, BCa) that hold the mean, tests (t, sign-flip) that reject it."""
    hits = np.zeros(4)
    for size in _chunks(simulations):
        values = draw(rng, (size, n))
        hits[:2] += [_holds(t_interval(values)), _holds(bootstrap_interval(values, RESAMPLES))]
        hits[2:] += [np.sum(p <= LEVEL) for p in (t_test(values), sign_flip(values, RESAMPLES))]
    return tuple(hits / simulations)


def family(n: int, simulations: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Power at the detectable difference; share of plans of `ARMS` arms without effect that claim any, plain and Holm.

    The arms of a plan share the noise of the baseline that they are compared with.
    """
    effect = detectable_effect(n)
    found = float(np.mean(t_test(rng.normal(effect, 1, (simulations, n))) <= LEVEL))
    differences = rng.normal(size=(simulations, ARMS, n)) - rng.normal(size=(simulations, 1, n))
    p_values = t_test(differences)
    plain = float(np.mean(p_values.min(1) <= LEVEL))
    return found, plain, float(np.mean([min(holm(p)) <= LEVEL for p in p_values]))


def few(n: int) -> tuple[str, ...]:
    """What n seeds can show at best, as a row."""
    low, high = (np.sqrt((n - 1) / stats.chi2.isf(tail, n - 1)) for tail in (LEVEL / 2, 1 - LEVEL / 2))
    floor = smallest_sign_flip(n)
    return str(n), f"{floor:.2g}", str(int(LEVEL / floor)), f"{detectable_effect(n):.2f}", f"{low:.2f} to {high:.2f}"


def _chunks(total: int) -> Iterator[int]:
    for start in range(0, total, CHUNK):
        yield min(CHUNK, total - start)


def _holds(interval: tuple[Floats, Floats]) -> int:
    low, high = interval
    return int(np.sum((low <= 0) & (high >= 0)))
