"""How often ids occur: shares of rare and of frequent ones, and Zipf's law fitted to them by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln, ndtr

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
SMALL = 60
"""Counts up to this enter the fit exactly, larger ones by the density of rates."""
OUTSIDE = 1e10
"""More than any likelihood, for parameters that no data have."""
FEW = 30
"""Distinct ids below which no law is fitted."""


@dataclass(frozen=True)
class Frequencies:
    """Of the ids seen in training. singletons: share seen once; twice: N(>=2)/N(>=1); ten: N(>=10)/N(>=2).

    top_1, top_10: share of occurrences that the most frequent 1 % and 10 % of ids hold.
    """

    ids: int
    rows: int
    singletons: float
    twice: float
    ten: float
    top_1: float
    top_10: float


@dataclass(frozen=True)
class Law:
    """Zipf-Mandelbrot: p(r) in proportion to (r + shift) ** -exponent, r = 1 .. ids. low, high: the 95 % interval."""

    exponent: float
    low: float
    high: float
    shift: float
    ids: int


def descending(count_V: Ints) -> Ints:
    """The counts of the ids that were seen, largest first."""
    return np.sort(count_V[count_V > 0])[::-1]


def frequencies(count_V: Ints) -> Frequencies:
    """Statistics of counts, those of ids never seen left out."""
    count_U = descending(count_V)
    ids, rows = len(count_U), int(count_U.sum())
    at_least = {k: int((count_U >= k).sum()) for k in (1, 2, 10)}
    top_1, top_10 = (count_U[: max(1, round(ids * share))].sum() / rows for share in (0.01, 0.1))
    return Frequencies(
        ids=ids,
        rows=rows,
        singletons=1 - at_least[2] / ids,
        twice=at_least[2] / ids,
        ten=at_least[10] / at_least[2] if at_least[2] else 0.0,
        top_1=float(top_1),
        top_10=float(top_10),
    )


def exponent_of_ranks(count_R: Ints, shift: float = 0.0) -> Law:
    """The exponent when the rank of every id is known: count_R[r - 1] draws of rank r (Newton's method)."""
    x_R, total = np.log(np.arange(1, len(count_R) + 1) + shift), float(count_R.sum())
    observed, s = float(count_R @ x_R) / total, 1.0
    for _ in range(100):
        p_R = np.exp(-s * (x_R - x_R[0]))
        p_R /= p_R.sum()
        mean = float(p_R @ x_R)
        variance = float(p_R @ x_R**2) - mean**2
        step = (mean - observed) / variance
        s += float(np.clip(step, -0.5, 0.5))
        if abs(step) < 1e-10:
            break
    error = 1.96 / float(np.sqrt(total * variance))
    return Law(s, s - error, s + error, shift, len(count_R))


def fit(count_V: Ints) -> Law | None:
    """Zipf-Mandelbrot from counts alone, ranks and unseen ids unknown; None where they tell too little.

    The counts of all ids are taken as Poisson with rates N p(r) of independent, uniform ranks (a finite Zipf-Mandelbrot
    model in the sense of Evert 2004), so the interval, from the observed information, is a wide one. Where no id is
    rare, ranks are those observed.
    """
    count_U = descending(count_V)
    if len(count_U) < FEW:
        return None
    if count_U[-1] >= 10:
        return exponent_of_ranks(count_U)
    k_D, number_D = np.unique(count_U, return_counts=True)
    starts = [(s, np.log(unseen), np.log(q)) for s in (0.6, 1.1, 1.6) for unseen in (0.2, 2.0) for q in (0.1, 3.0)]
    loss = _Spectrum(k_D.astype(np.float64), number_D.astype(np.float64))
    tried = (minimize(loss, start, method="Nelder-Mead", options={"maxiter": 60}) for start in starts)
    best = min(tried, key=lambda found: found.fun)
    best = minimize(loss, best.x, method="Nelder-Mead", options={"maxiter": 600, "xatol": 1e-4, "fatol": 1e-3})
    s, unseen, q = best.x
    error = 1.96 * _standard_error(loss, best.x)
    if not 0 < error < s:
        return None
    return Law(
        float(s), float(s - error), float(s + error), float(np.exp(q)), round(len(count_U) * (1 + np.exp(unseen)))
    )


class _Spectrum:
    """Minus the log-likelihood of (exponent, log of unseen ids per seen one, log of shift)."""

    def __init__(self, k_D: Floats, number_D: Floats) -> None:
        self._k, self._number = k_D, number_D
        self._seen, self._rows = float(number_D.sum()), float(k_D @ number_D)
        self._small = k_D <= SMALL
        self._small_k = k_D[self._small, None]
        self._log_factorial = gammaln(self._small_k + 1)

    def __call__(self, theta: Floats) -> float:
        s, unseen, q = theta
        if not (0.02 < s < 6 and -9 < unseen < 7 and -7 < q < 12):
            return OUTSIDE**2
        n, shift = self._seen * (1 + np.exp(unseen)), float(np.exp(q))
        edge = np.geomspace(0.5 + shift, n + 0.5 + shift, 801)
        middle, width = np.sqrt(edge[1:] * edge[:-1]), np.diff(edge)
        mass = width @ middle**-s
        log_rate = np.log(self._rows / mass) - s * np.log(middle)
        rate, weight = np.exp(log_rate), width / n
        never = float(weight @ np.exp(-rate))
        chance = self._small_k * log_rate  # in place from here, as new arrays would take as long as the arithmetic
        chance -= rate
        chance -= self._log_factorial
        log_small = np.log(np.exp(chance, out=chance) @ weight + 1e-300)
        log_large = self._density(self._k[~self._small], rate[0], rate[-1], s, mass, n)
        total = self._number[self._small] @ log_small + self._number[~self._small] @ log_large
        missing = n - self._seen
        total += gammaln(n + 1) - gammaln(missing + 1) + missing * np.log(never + 1e-300)
        return -float(total)

    def _density(self, k: Floats, most: float, least: float, s: float, mass: float, n: float) -> Floats:
        """Log of the chance of a large count: the density of rates there, cut off where rates end."""
        log_r = (np.log(self._rows / mass) - np.log(k)) / s
        inside = ndtr((most - k) / np.sqrt(k)) - ndtr((least - k) / np.sqrt(k))
        return np.asarray(log_r - np.log(s * k * n) + np.log(np.maximum(inside, 1e-12)))


def _standard_error(loss: _Spectrum, at: Floats) -> float:
    """Of the exponent, from the curvature in all three parameters; 0 at the edge of what they may be."""
    step = np.array([2e-3, 2e-2, 2e-2])
    hessian = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            a, b = np.eye(3)[i] * step, np.eye(3)[j] * step
            corners = loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b)
            hessian[i, j] = corners / (4 * step[i] * step[j])
    if np.abs(hessian).max() > OUTSIDE:
        return 0.0
    covariance = np.linalg.pinv(hessian)
    return float(np.sqrt(covariance[0, 0])) if covariance[0, 0] > 0 else 0.0
