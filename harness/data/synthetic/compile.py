"""A population as the arrays that the kernel reads: draws of ids, the clock, weights of the logit's parts, delays."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.synthetic.compile_draws import Draws, compile_draws
from harness.data.synthetic.compile_kinds import (
    Lists,
    Numbers,
    Sequences,
    compile_lists,
    compile_numbers,
    compile_sequences,
    shares,
    strengths,
)
from harness.data.synthetic.kernel import HOURS, LEFT, RIGHT
from harness.data.synthetic.population import Population, TaskSpec
from harness.data.synthetic.stream import key, keys, quantiles

Floats = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
MOST_LANES = 1 << 30
"""The square of it fits into 64 bits."""


class Compiled(NamedTuple):
    """A population as arrays. F fields and T tasks, each after what it depends on; K latent dimensions; H hours.

    clock_H: expected share of the rows before each hour, [H + 1]. lanes: sessions at a time. candidates_F, policy_F,
    policy_noise_F: draws among which a row shows one, keys of the further ones, and the deviation of what the policy
    mistakes. examined_F: how fast attention falls with the rank. changes_F: shares of ids that change, at moments that
    change_F draws. shared_FT, own_FT: weights of an id's normals. side_F: LEFT, RIGHT or 0. match_TK, fashion_HK,
    drift_T: weights of the latent products. delay_TP: knots of the quantile function, log seconds at delay_share_TP;
    unused ones repeat the last. numbers, lists, sequences: the fields that are no single ids.
    """

    clock_H: Floats
    delay_TP: Floats
    rows: float
    clock_key: np.uint64
    repeat: float
    lanes: int
    session_key: np.uint64
    draws: Draws
    id_F: U64
    session_F: npt.NDArray[np.bool_]
    candidates_F: I64
    policy_F: U64
    policy_noise_F: Floats
    examined_F: Floats
    changes_F: Floats
    change_F: U64
    shared_FT: Floats
    own_FT: Floats
    side_F: I64
    match_TK: Floats
    fashion_HK: Floats
    drift_T: Floats
    under_T: I64
    scale_T: Floats
    label_T: U64
    delayed_T: npt.NDArray[np.bool_]
    delay_key: np.uint64
    delay_share_TP: Floats
    normal: npt.NDArray[np.float32]
    numbers: Numbers
    lists: Lists
    sequences: Sequences


def compile_population(p: Population, seed: int) -> Compiled:
    """Everything that the kernel reads, as arrays."""
    names, specs, tasks = list(p.fields), list(p.fields.values()), list(p.tasks.values())
    clock_H = _clock(p)
    shared_FT, own_FT = _bias_weights(p)
    delay_TP, delay_share_TP = _delays(tasks)
    return Compiled(
        rows=float(p.rows),
        clock_H=clock_H,
        clock_key=key(seed, "time"),
        repeat=p.repeat,
        lanes=_lanes(p),
        session_key=key(seed, "session"),
        draws=compile_draws(p, seed),
        id_F=keys(seed, "id", names),
        session_F=np.array([s.session for s in specs]),
        candidates_F=np.array([s.candidates for s in specs]),
        policy_F=keys(seed, "policy", names),
        policy_noise_F=np.array([s.policy_noise for s in specs]),
        examined_F=np.array([s.examined for s in specs]),
        changes_F=np.array([s.changes for s in specs]),
        change_F=keys(seed, "change", names),
        shared_FT=shared_FT,
        own_FT=own_FT,
        side_F=np.array([LEFT if n in p.match[0] else RIGHT if n in p.match[1] else 0 for n in names]),
        match_TK=_match_weights(p, seed),
        fashion_HK=_fashion(p, seed, len(clock_H) - 1),
        drift_T=strengths(p, "drift") / np.sqrt(max(len(p.match[1]), 1)),
        under_T=np.array([-1 if t.under is None else list(p.tasks).index(t.under) for t in tasks]),
        scale_T=1 / np.sqrt(1 + np.pi * strengths(p, "noise") ** 2 / 8),
        label_T=keys(seed, "label", p.tasks),
        delayed_T=np.array([t.delay is not None for t in tasks]),
        delay_key=key(seed, "delay"),
        delay_TP=delay_TP,
        delay_share_TP=delay_share_TP,
        normal=quantiles(),
        numbers=compile_numbers(p, seed),
        lists=compile_lists(p, seed),
        sequences=compile_sequences(p, seed),
    )


def _lanes(p: Population) -> int:
    """How many sessions there are at a time: rows in a gap between two of one, and from there the next prime."""
    lanes = min(max(round(p.gap * p.rows / (p.days * HOURS * 3600)), 1), MOST_LANES)
    while any(lanes % factor == 0 for factor in range(2, math.isqrt(lanes) + 1)):
        lanes += 1
    return lanes


def _clock(p: Population) -> Floats:
    """Expected share of the rows before each hour, [H + 1]; fewest at four in the morning and on days 6 and 7."""
    hour_H = np.arange(p.days * HOURS)
    daily_H = 1 - p.daily * np.cos(2 * np.pi * (hour_H % HOURS - 4) / HOURS)
    weekly_H = np.where(hour_H // HOURS % 7 < 5, 1.0, 1 - p.weekly)
    share_H = daily_H * weekly_H
    total: Floats = np.append(0.0, np.cumsum(share_H))
    total /= total[-1]
    return total


def _bias_weights(p: Population) -> tuple[Floats, Floats]:
    """Weights [F, T] of the normals that tasks share and of those that are a task's own."""
    scale_FT = np.zeros((len(p.fields), len(p.tasks)))
    for t, task in enumerate(p.tasks.values()):
        for part, context in (("id_bias", False), ("context", True)):
            weights = [task.weights.get(n, f.weight) if f.context == context else 0.0 for n, f in p.fields.items()]
            scale_FT[:, t] += shares(weights) * p.strength(task, part)
    common_T = strengths(p, "correlation")
    return scale_FT * np.sqrt(common_T), scale_FT * np.sqrt(1 - common_T)


def _match_weights(p: Population, seed: int) -> Floats:
    """Weights [T, K] of u_k v_k: one direction that tasks share and one of each task's own, at a right angle to it."""
    latent, tasks = p.latent, list(p.tasks.values())
    rng = np.random.default_rng(int(key(seed, "match")))
    basis = np.linalg.qr(np.column_stack([np.ones(latent), rng.standard_normal((latent, latent - 1))]))[0]
    sides = np.sqrt(max(len(p.match[0]), 1) * max(len(p.match[1]), 1))
    out = np.zeros((len(tasks), latent))
    for t, task in enumerate(tasks):
        common = p.strength(task, "correlation") if latent > 1 else 1.0
        own = basis[:, 1 + t % (latent - 1)] if latent > 1 else basis[:, 0]
        out[t] = p.strength(task, "interaction") / sides * (np.sqrt(common) * basis[:, 0] + np.sqrt(1 - common) * own)
    return out


def _fashion(p: Population, seed: int, hours: int) -> Floats:
    """The direction of taste in each hour, [H, K] of unit length: it turns from knot to knot, `drift_days` apart."""
    at_H = np.arange(hours) / HOURS / p.drift_days
    knots = np.random.default_rng(int(key(seed, "fashion"))).standard_normal((int(at_H[-1]) + 2, p.latent))
    knot_H, angle_H = at_H.astype(np.int64), np.pi / 2 * (at_H % 1)[:, None]
    turned: Floats = np.cos(angle_H) * knots[knot_H] + np.sin(angle_H) * knots[knot_H + 1]
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return turned


def _delays(tasks: list[TaskSpec]) -> tuple[Floats, Floats]:
    """Knots [T, P] of each task's quantile function, log seconds and shares: a mixture of log-uniform delays."""
    knots = [[(1 / 3600, 0.0), *(t.delay or []), (24 * t.window, 1.0)] for t in tasks]
    most = max(map(len, knots))
    padded = np.array([k + [k[-1]] * (most - len(k)) for k in knots])
    return np.log(padded[:, :, 0] * 3600), padded[:, :, 1]
