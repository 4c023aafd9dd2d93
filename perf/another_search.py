"""Does an interval over draws hold what another search would have brought: simulated, for `perf.coverage`.

A gain is the sum of its mean over all searches and draws, of what the search adds, of what the draw adds, and of a
rest, all normal, as large as `perf.searches` measured them. Near-ties take turns as in a plan with `search.tie`: each
repetition is of the next of the settings that the search could not tell apart, which here differ as those of other
searches do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.analysis.inference import LEVEL, Floats, t_test
from perf.markdown import share
from perf.searches import SEARCHES, Crossed

DRAWS = (3, 7, 20)
TIES = 3


@dataclass(frozen=True)
class Sizes:
    """Standard deviations of a gain in test AUC: what a search adds, what a draw adds, and what neither explains."""

    name: str
    search: float
    draw: float
    left: float


MEASURED = (Sizes("gain", 0.0004, 0.0, 0.0012), Sizes("gain over its own first epoch", 0.0012, 0.0004, 0.0006))
"""Of running_mean+return_to_mean, results/tables/searches.md."""
HEADER = (
    "quantity",
    "draws",
    "one search",
    f"{TIES} near-ties of one search, in turn",
    f"{SEARCHES} searches, crossed",
)


def table(simulations: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Lines of `HEADER`: shares of intervals that hold the mean over searches and draws."""
    for sizes in MEASURED:
        for draws in DRAWS:
            one, ties = (_of_one_table(sizes, draws, settings, simulations, rng) for settings in (1, TIES))
            held = [low <= 0 <= high for low, high in _crossed(sizes, draws, simulations, rng)]
            yield sizes.name, str(draws), share(one), share(ties), share(float(np.mean(held)))


def gains(sizes: Sizes, settings: int, draws: int, simulations: int, rng: np.random.Generator) -> Floats:
    """Of mean zero, [simulations, settings, draws]."""
    return np.asarray(
        sizes.search * rng.normal(size=(simulations, settings, 1))
        + sizes.draw * rng.normal(size=(simulations, 1, draws))
        + sizes.left * rng.normal(size=(simulations, settings, draws))
    )


def _of_one_table(sizes: Sizes, draws: int, settings: int, simulations: int, rng: np.random.Generator) -> float:
    """Where draw d is of setting d modulo their number, as in a table of one search."""
    drawn = gains(sizes, settings, draws, simulations, rng)
    in_turn = drawn[:, np.arange(draws) % settings, np.arange(draws)]
    return float(np.mean(t_test(in_turn, 0.0) > LEVEL))


def _crossed(sizes: Sizes, draws: int, simulations: int, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    return (Crossed(value_SD).interval for value_SD in gains(sizes, SEARCHES, draws, simulations, rng))
