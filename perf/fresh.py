"""Does an interval hold the gain on fresh test rows and fresh draws: simulated from the rows up, for `perf.coverage`.

Rows of two classes are scored by two models with normal noise, so that the expected AUC is known: the normal
distribution at d / sqrt(2), d being how far a model separates the classes. Rows come in groups that are alike. Models
share most of their noise, seeds of a model most of the rest, and the separation of the arm varies with seed and draw by
as much, measured in errors of the test set, as was measured on the presets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from harness.analysis.inference import LEVEL, Floats, t_test
from harness.metrics.influence import END
from perf.markdown import share

Labels = npt.NDArray[np.int64]
SEEDS = (5, 20)
GROUPS, ROWS, CHUNK = 150, 3, 50
SEPARATION, MORE = 0.7, 0.02
"""Of the classes, by the baseline; how much further by the arm."""
PARTS = np.sqrt([0.7, 0.29, 0.01])
"""Of the noise of a score: shared by both models, of the model, and of the run."""


@dataclass(frozen=True)
class Sizes:
    """Standard deviations of a gain in test AUC: of the test set, of a seed and of a draw, as measured."""

    name: str
    test: float
    seed: float
    draw: float


MEASURED = (Sizes("avazu_like", 0.00067, 0.00051, 0.00105), Sizes("pinterest_like", 0.00154, 0.0017, 0.00105))
HEADER = (
    "sizes of",
    "repetitions",
    "same rows, of seeds alone",
    "same rows, test error added",
    "draws",
)


def table(simulations: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Lines of `HEADER`."""
    for sizes in MEASURED:
        for n in SEEDS:
            chunks = [_held(sizes, n, CHUNK, rng) for _ in range(0, simulations, CHUNK)]
            yield sizes.name, str(n), *map(share, np.mean(chunks, axis=0))


def _held(sizes: Sizes, n: int, simulations: int, rng: np.random.Generator) -> Floats:
    """Shares of simulations in which each interval holds the expected gain."""
    _, error = _misses(rng, 200, 1, 0.0, draws=False)
    unit = float(error.mean()) / sizes.test * np.sqrt(2) / stats.norm.pdf(SEPARATION / np.sqrt(2))
    off, error = _misses(rng, simulations, n, unit * sizes.seed, draws=False)
    drawn, _ = _misses(rng, simulations, n, unit * np.hypot(sizes.seed, sizes.draw), draws=True)
    found = ((off, 0.0), (off, error), (drawn, 0.0))
    return np.array([np.mean(t_test(values, shared) > LEVEL) for values, shared in found])


def _misses(rng: np.random.Generator, s: int, n: int, spread: float, *, draws: bool) -> tuple[Floats, Floats]:
    """Of s simulations: how far the gain of each of n runs lies from the expected one, and the error of the test set.

    spread: deviation over runs of the separation by the arm. draws: each run has rows of its own.
    """
    sets = n if draws else 1
    label_SNR = _labels(rng, (s, sets))
    noises = [_noise(rng, (s, sets)) for _ in range(3)]
    arm_SN = rng.normal((SEPARATION + MORE) * np.sqrt(1 + spread**2 / 2), spread, (s, n))
    aucs, moved = [], []
    for separation_SN, own in ((arm_SN, noises[1]), (np.full((s, n), SEPARATION), noises[2])):
        parts = (noises[0], own, rng.normal(size=(s, n, GROUPS * ROWS)))
        noise_SNR = sum(share * part for share, part in zip(PARTS, parts, strict=True))
        auc_SN, influence_SNG = auc_and_influence(separation_SN[..., None] * label_SNR + noise_SNR, label_SNR, ROWS)
        aucs.append(auc_SN)
        moved.append(influence_SNG.mean(1))
    expected = np.diff(stats.norm.cdf(np.array([SEPARATION, SEPARATION + MORE]) / np.sqrt(2)))
    return aucs[0] - aucs[1] - expected, np.linalg.norm(moved[0] - moved[1], axis=-1)


def auc_and_influence(score_R: Floats, label_R: npt.NDArray[Any], rows: int = 1) -> tuple[Floats, Floats]:
    """AUC [...] of many runs at once, and the influence [..., G] of each group of so many rows; no two scores alike."""
    of_up, of_down = (_widened(label_R == value, rows) for value in (1, 0))
    order_R = np.argsort(score_R, axis=-1)
    up_R = np.take_along_axis(np.broadcast_to(label_R, score_R.shape), order_R, axis=-1).astype(np.float64)
    up, down = up_R.sum(-1, keepdims=True), (1 - up_R).sum(-1, keepdims=True)
    below_R, above_R = np.cumsum(1 - up_R, axis=-1) / down, 1 - np.cumsum(up_R, axis=-1) / up
    auc = (up_R * below_R).sum(-1, keepdims=True) / up
    sorted_R = up_R * (below_R - auc) * of_up / up
    sorted_R += (1 - up_R) * (above_R - auc) * of_down / down
    influence_R = np.empty_like(sorted_R)
    np.put_along_axis(influence_R, order_R, sorted_R, axis=-1)
    return auc[..., 0], _by_group(influence_R, rows).sum(-1)


def _widened(has_R: npt.NDArray[np.bool_], rows: int) -> Floats:
    """As `harness.metrics.influence` does it, by how many groups have a class, [..., 1]."""
    n = _by_group(has_R, rows).any(-1).sum(-1, keepdims=True)
    return np.asarray(np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, END) / special.ndtri(END))


def _by_group(value_R: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    return value_R.reshape(*value_R.shape[:-1], -1, rows)


def _labels(rng: np.random.Generator, shape: tuple[int, ...]) -> Labels:
    """Of rows in order of group, seven in ten of them that of their group."""
    common, own = rng.integers(0, 2, (*shape, GROUPS)), rng.integers(0, 2, (*shape, GROUPS * ROWS))
    return np.where(rng.random(own.shape) < 0.7, np.repeat(common, ROWS, axis=-1), own)


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Of unit variance, half of it common to a group."""
    common, own = rng.normal(size=(*shape, GROUPS)), rng.normal(size=(*shape, GROUPS * ROWS))
    return np.asarray((np.repeat(common, ROWS, axis=-1) + own) / np.sqrt(2))
