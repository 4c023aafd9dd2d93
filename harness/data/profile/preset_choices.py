"""How often the ids of one field come back to those of another, fitted to the tail of their pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from harness.data.profile.preset_fit import SHARES, SIMULATED, arcs, drawn_ids
from harness.data.profile.zipf_fit import Frequencies, frequencies

START = (0.0, math.log(30))
"""Half of the rows, thirty choices."""
LEAST_GAIN = 0.8
"""Of the loss without choices, what may be left of it with them."""
MOST_CHOICES = 10_000


def choices(first: dict[str, Any], other: dict[str, Any], whole: dict[str, Any], wanted: Frequencies) -> dict[str, Any]:
    """`strength` and `choices` by which `other`, of `first`, repeats pairs as a log does; empty if it does so anyway.

    whole: the days and sessions of the population. wanted: frequencies of the pairs in training.
    """

    def loss(at: npt.NDArray[np.float64]) -> float:
        found = _pairs(first, other | {"of": "first"} | _knobs(at), whole, min(wanted.rows, SIMULATED))
        return _distance(found, wanted)

    alone = _distance(_pairs(first, other, whole, min(wanted.rows, SIMULATED)), wanted)
    best = minimize(loss, START, method="Nelder-Mead", options={"maxfev": 40, "initial_simplex": _simplex()})
    return _knobs(best.x) if best.fun < LEAST_GAIN * alone else {}


def _simplex() -> npt.NDArray[np.float64]:
    return np.array([START, (START[0] + 1.5, START[1]), (START[0], START[1] + 1.5)])


def _knobs(at: npt.NDArray[np.float64]) -> dict[str, Any]:
    return {"strength": float(expit(at[0])), "choices": round(min(max(math.exp(at[1]), 1), MOST_CHOICES))}


def _distance(found: Frequencies, wanted: Frequencies) -> float:
    return float(np.square(arcs(getattr(found, s) for s in SHARES) - arcs(getattr(wanted, s) for s in SHARES)).sum())


def _pairs(first: dict[str, Any], other: dict[str, Any], whole: dict[str, Any], rows: int) -> Frequencies:
    pair_N = drawn_ids({"first": first, "other": other, "pair": {"cross": ["first", "other"]}}, rows, whole)
    return frequencies(np.unique(pair_N, return_counts=True)[1])
