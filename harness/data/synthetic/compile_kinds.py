"""Numbers, lists and sequences of a population as the arrays that the kernel reads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.synthetic.population import Population
from harness.data.synthetic.stream import keys
from harness.data.synthetic.zipf import compile_ranks

Floats = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


class Numbers(NamedTuple):
    """P numbers. of_P: the field whose id has a part, or -1. shared_P, own_P: weights of the normals of that id and of
    the row. mean_P, deviation_P: of what is shown, or of its logarithm where log_P. linear_P, curved_P: weights of z
    and of z^2 - 1 in what weight_PT puts into the logits."""

    key_P: U64
    of_P: I64
    shared_P: Floats
    own_P: Floats
    missing_P: Floats
    mean_P: Floats
    deviation_P: Floats
    log_P: npt.NDArray[np.bool_]
    linear_P: Floats
    curved_P: Floats
    weight_PT: Floats


class Lists(NamedTuple):
    """L lists. of_L: the field whose id has one list, or -1. id_L: keys of the streams of ids. shortest_L, longest_L,
    log_more_L: of the law of lengths. at_L: where the ids of each begin in the row of all of them together. alias,
    keep, rank_L, size_L, tail_L8: ranks, as in `Compiled`. shared_LT, own_LT: weights of an id's normals."""

    key_L: U64
    of_L: I64
    id_L: U64
    shortest_L: I64
    longest_L: I64
    log_more_L: Floats
    at_L: I64
    alias: npt.NDArray[np.int32]
    keep: npt.NDArray[np.uint32]
    rank_L: I64
    size_L: I64
    tail_L8: Floats
    shared_LT: Floats
    own_LT: Floats


class Sequences(NamedTuple):
    """S sequences. of_S, by_S: fields. log_more_S: of the law of how many events a user begins with. at_S: as in
    `Lists`. match_ST: weights of u . v, with u the events' latent vectors added up over the root of their number."""

    key_S: U64
    of_S: I64
    by_S: I64
    log_more_S: Floats
    per_day_S: Floats
    longest_S: I64
    at_S: I64
    match_ST: Floats


def compile_numbers(p: Population, seed: int) -> Numbers:
    specs, names = list(p.numbers.values()), list(p.fields)
    share_P = np.array([0.0 if s.of is None else s.strength for s in specs])
    curve_P = _floats(s.curve for s in specs)
    return Numbers(
        key_P=keys(seed, "number", p.numbers),
        of_P=_ints(-1 if s.of is None else names.index(s.of) for s in specs),
        shared_P=np.sqrt(share_P),
        own_P=np.sqrt(1 - share_P),
        missing_P=_floats(s.missing for s in specs),
        mean_P=_floats(s.mean for s in specs),
        deviation_P=_floats(s.deviation for s in specs),
        log_P=np.array([s.law == "lognormal" for s in specs], np.bool_),
        linear_P=np.sqrt(1 - curve_P),
        curved_P=np.sqrt(curve_P / 2),
        weight_PT=shared_out([s.weight for s in specs], p, "number_bias"),
    )


def compile_lists(p: Population, seed: int) -> Lists:
    """A list adds the mean of its ids' normals, over the root of the mean of 1 / length, which makes it one of them."""
    specs, names = list(p.lists.values()), list(p.fields)
    ranks = [compile_ranks(s.ids, s.exponent, s.shift) for s in specs]
    size_L = _ints(len(r.alias) for r in ranks)
    longest_L, shortest_L = _ints(s.longest for s in specs), _ints(s.shortest for s in specs)
    log_more_L = _floats(_log_more(s.length - s.shortest) for s in specs)
    scale_L = _floats(map(_mean_scale, shortest_L, longest_L, log_more_L))
    weight_LT = shared_out([s.weight for s in specs], p, "list_bias") * scale_L[:, None]
    common_T = strengths(p, "correlation")
    return Lists(
        key_L=keys(seed, "list", p.lists),
        of_L=_ints(-1 if s.of is None else names.index(s.of) for s in specs),
        id_L=keys(seed, "id", p.lists),
        shortest_L=shortest_L,
        longest_L=longest_L,
        log_more_L=log_more_L,
        at_L=np.cumsum(longest_L) - longest_L,
        alias=np.concatenate([np.empty(0, np.int32), *(r.alias for r in ranks)]),
        keep=np.concatenate([np.empty(0, np.uint32), *(r.keep for r in ranks)]),
        rank_L=np.cumsum(size_L) - size_L,
        size_L=size_L,
        tail_L8=np.array([r.tail for r in ranks]).reshape(-1, 8),
        shared_LT=weight_LT * np.sqrt(common_T),
        own_LT=weight_LT * np.sqrt(1 - common_T),
    )


def compile_sequences(p: Population, seed: int) -> Sequences:
    specs, names = list(p.sequences.values()), list(p.fields)
    longest_S = _ints(s.longest for s in specs)
    return Sequences(
        key_S=keys(seed, "sequence", p.sequences),
        of_S=_ints(names.index(s.of) for s in specs),
        by_S=_ints(names.index(s.by) for s in specs),
        log_more_S=_floats(_log_more(s.length) for s in specs),
        per_day_S=_floats(s.per_day for s in specs),
        longest_S=longest_S,
        at_S=np.cumsum(longest_S) - longest_S + sum(s.longest for s in p.lists.values()),
        match_ST=shared_out([s.weight for s in specs], p, "history_match") / math.sqrt(p.latent),
    )


def shared_out(weights: list[float], p: Population, part: str) -> Floats:
    """The standard deviation of a part of each task's logit, shared out by weight, [fields, T]."""
    return np.outer(shares(weights), strengths(p, part))


def strengths(p: Population, part: str) -> Floats:
    """The standard deviation of a part of each task's logit, or a correlation, [T]."""
    return np.array([p.strength(task, part) for task in p.tasks.values()])


def shares(weights: list[float]) -> Floats:
    """Of a standard deviation, [fields]: their squares add up to 1."""
    weight_F = _floats(weights)
    found: Floats = np.sqrt(weight_F / (weight_F.sum() or 1.0))
    return found


def _log_more(mean: float) -> float:
    """The logarithm of the chance of one more in a geometric law from 0 on; of a mean of 0, minus infinity."""
    return math.log(mean / (1 + mean)) if mean > 0 else -math.inf


def _mean_scale(shortest: int, longest: int, log_more: float) -> float:
    """One over the root of the mean of 1 / length, over lists of any length but 0; 1 where there are none."""
    length_J = np.arange(shortest, longest + 1)
    at_least_J = math.exp(log_more) ** (length_J - shortest)
    mass_J = at_least_J - np.append(at_least_J[1:], 0.0)
    some_J = length_J > 0
    mean = float((mass_J[some_J] / length_J[some_J]).sum())
    return 1 / math.sqrt(mean / mass_J[some_J].sum()) if mean > 0 else 1.0


def _floats(values: Iterable[Any]) -> Floats:
    return np.array(list(values), np.float64)


def _ints(values: Iterable[Any]) -> I64:
    return np.array(list(values), np.int64)
