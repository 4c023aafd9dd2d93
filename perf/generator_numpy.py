"""The generator's model in plain numpy, as one would write it first: what the compiled one is timed against.

The same population, the same statistics, other random numbers: tables of normals by id, ranks by inverse CDF.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit

from harness.api import hash_ids
from harness.data.synthetic.compile import compile_population
from harness.data.synthetic.fields import FieldSpec
from harness.data.synthetic.population import Population

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DAY = 86_400


def generate(p: Population, rows: int, seed: int) -> dict[str, npt.NDArray[Any]]:
    """`rows` rows of a population: ids_NF, labels_NT, truth_NT, delay_NT and time_N, as the generator makes them."""
    rng = np.random.default_rng(seed)
    weights = compile_population(p, seed)  # a few small arrays, [F, T], [T, K] and [H, K]; not what takes time
    hour_N, time_N = _times(weights.clock_H, rng, rows)
    index = _indices(p, rng, time_N, hour_N)
    tasks, latent = len(p.tasks), p.latent
    logit_NT, left_NK, right_NK = np.zeros((rows, tasks)), np.zeros((rows, latent)), np.zeros((rows, latent))
    for f, (name, index_N) in enumerate(index.items()):
        bias = rng.standard_normal((int(index_N.max()) + 1, tasks + 1))[index_N]
        logit_NT += weights.shared_FT[f] * bias[:, :1] + weights.own_FT[f] * bias[:, 1:]
        for side, fields in ((left_NK, p.match[0]), (right_NK, p.match[1])):
            if name in fields:
                side += rng.standard_normal((int(index_N.max()) + 1, latent))[index_N]
    logit_NT += (left_NK * right_NK) @ weights.match_TK.T
    logit_NT += weights.drift_T * np.einsum("nk,nk->n", weights.fashion_HK[hour_N], right_NK)[:, None]
    truth_NT, labels_NT = _outcomes(p, rng, logit_NT * weights.scale_T)
    return {
        "ids_NF": np.column_stack([hash_ids(i, f).view(np.int64) for f, i in enumerate(index.values())]),
        "labels_NT": labels_NT,
        "truth_NT": truth_NT.astype(np.float32),
        "delay_NT": _delays(p, rng, labels_NT),
        "time_N": time_N,
    }


def _times(clock_H: Floats, rng: np.random.Generator, rows: int) -> tuple[Ints, Ints]:
    share_N = np.sort(rng.random(rows))
    hours_N = np.interp(share_N, clock_H, np.arange(len(clock_H)))
    return hours_N.astype(np.int64), (hours_N * 3600).astype(np.int64)


def _indices(p: Population, rng: np.random.Generator, time_N: Ints, hour_N: Ints) -> dict[str, Ints]:
    index: dict[str, Ints] = {}
    for name, field in p.fields.items():
        if field.time is not None:
            index[name] = hour_N % 24 if field.time == "hour" else hour_N // 24 % 7
        elif field.of is not None:
            parent_N = index[field.of]
            index[name] = _ranks(field, rng, int(parent_N.max()) + 1)[parent_N]
        else:
            index[name] = _ranks(field, rng, len(time_N))
        if field.life:
            born_N = time_N / DAY - field.fade * rng.exponential(size=len(time_N))
            turn_N = np.floor(born_N / field.life + rng.random(field.ids)[index[name]]).astype(np.int64)
            index[name] += (turn_N - turn_N.min()) * field.ids
    return index


def _ranks(field: FieldSpec, rng: np.random.Generator, draws: int) -> Ints:
    mass = np.cumsum((np.arange(1, field.ids + 1) + field.shift) ** -field.exponent)
    rank_N: Ints = np.searchsorted(mass, rng.random(draws) * mass[-1], side="right")
    return rank_N


def _outcomes(p: Population, rng: np.random.Generator, logit_NT: Floats) -> tuple[Floats, npt.NDArray[np.uint8]]:
    truth_NT, labels_NT = np.empty(logit_NT.shape), np.empty(logit_NT.shape, np.uint8)
    for t, task in enumerate(p.tasks.values()):
        under = None if task.under is None else list(p.tasks).index(task.under)
        above_N = np.ones(len(logit_NT)) if under is None else truth_NT[:, under]
        logit_N, rate = logit_NT[:, t], task.rate

        def miss(b: float, above: Floats = above_N, logit: Floats = logit_N, rate: float = rate) -> float:
            return float(np.mean(above * expit(logit + b))) - rate

        p_N = expit(logit_N + brentq(miss, -60.0, 60.0, xtol=1e-9))
        truth_NT[:, t] = above_N * p_N
        happened_N = rng.random(len(p_N)) < p_N
        labels_NT[:, t] = happened_N if under is None else happened_N & (labels_NT[:, under] == 1)
    return truth_NT, labels_NT


def _delays(p: Population, rng: np.random.Generator, labels_NT: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    u_N, out = rng.random(len(labels_NT)), np.full(labels_NT.shape, -1, np.int32)
    for t, task in enumerate(p.tasks.values()):
        positive = labels_NT[:, t] == 1
        knots = [(1 / 3600, 0.0), *(task.delay or []), (24 * task.window, 1.0)]
        hours, shares = np.array(knots).T
        out[positive, t] = np.exp(np.interp(u_N[positive], shares, np.log(hours * 3600))) if task.delay else 0
    return out
