"""Do claims hold where arms stop when they are settled: simulated plans of several arms, for `perf.coverage`.

Gains are normal and independent over draws; half of an arm's variance is the baseline's, which all arms share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.analysis.always_valid import always_interval
from harness.analysis.inference import LEVEL, Floats, t_test
from harness.experiment.plan import looks
from perf.markdown import share

ARMS, MOST, SETTLE = 6, 30, 0.0005
DEVIATION = 0.00105
"""Of a gain in truth-AUC over draws, as measured."""
GAINS = (0.0, 0.0005, 0.001, 0.002, 0.005)
HEADER = ("true gain of all arms", "false claim in a plan", "arms shown", "within ±.0005", "left open", "draws an arm")


@dataclass(frozen=True)
class Stopped:
    """Simulated plans. shown: [plans, arms], 1 or -1 where a gain was claimed. within: that it is nothing to speak of.
    draws: at which each arm stopped."""

    shown: Floats
    within: Floats
    draws: Floats


def simulate(gain: float, plans: int, rng: np.random.Generator) -> Floats:
    """Gains [plans, arms, draws]."""
    own, shared = rng.normal(size=(plans, ARMS, MOST)), rng.normal(size=(plans, 1, MOST))
    return np.asarray(gain + DEVIATION * (own + shared) / np.sqrt(2))


def stop(values: Floats) -> Stopped:
    """What a plan with `repetitions = { most = 30, settle = 0.0005 }` makes of them."""
    shown, within = np.zeros(values.shape[:2]), np.zeros(values.shape[:2])
    draws = np.full(values.shape[:2], MOST)
    for n in looks(MOST):
        open_ = (shown == 0) & (within == 0)
        mean, deviation = values[..., :n].mean(-1), values[..., :n].std(-1, ddof=1)
        low, high = always_interval(mean, deviation, n, LEVEL / ARMS)
        sign = (low > 0).astype(float) - (high < 0)
        near = (sign == 0) & (low > -SETTLE) & (high < SETTLE)
        shown[open_], within[open_] = sign[open_], near[open_]
        draws[open_ & ((sign != 0) | near)] = n
    return Stopped(shown, within, draws)


def table(plans: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Lines of `HEADER`."""
    for gain in GAINS:
        found = stop(simulate(gain, plans, rng))
        false = (found.shown < 0) | ((found.within > 0) & (gain > SETTLE)) | ((found.shown > 0) & (gain == 0))
        open_ = (found.shown == 0) & (found.within == 0)
        shares = (false.any(1).mean(), (found.shown > 0).mean(), found.within.mean(), open_.mean())
        yield f"{gain:g}", *map(share, shares), f"{found.draws.mean():.1f}"


def peeking(plans: int, rng: np.random.Generator) -> float:
    """Share of plans without any gain in which Student's t test, looked at as often, claims one all the same."""
    values = simulate(0.0, plans, rng)
    p_values = [t_test(values[..., :n]) for n in looks(MOST)]
    return float((np.min(p_values, axis=0) <= LEVEL / ARMS).any(1).mean())
