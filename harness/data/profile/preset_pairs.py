"""Which fields of a log go with which others, as the generator's knobs: crosses, and the field that each follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import entr

from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile import information
from harness.data.profile.together import MOST_ROWS
from harness.results.description import Together

Floats = npt.NDArray[np.float64]
LEAST = 0.1
"""Dependence below which a field is drawn without regard to another."""
IN_ORDER = 100
"""Most ids of a field that others follow in order: of so few, chance would leave it open what they tell."""
DETERMINED = 0.8
"""Dependence from which on a field is as good as determined by another."""
CROSSED = 0.98
CROSSED_ROWS = 1 << 16


def crosses(data: IndexedDataset, found: Together) -> dict[str, tuple[str, str]]:
    """Fields that have one id for each pair of ids of two others, in a sample of the training rows."""
    values = {name: _distinct(data, (name,)) for name in _fields(data, found)}
    out: dict[str, tuple[str, str]] = {}
    for name in values:
        made_of = [o for o in values if values[o] < values[name] and (dependence(found, name, o) or 0) >= CROSSED]
        for a, b in combinations(made_of, 2):
            if values[name] == _distinct(data, (a, b)) == _distinct(data, (name, a, b)) > max(values[a], values[b]):
                out[name] = (a, b)
                break
    return out


def follows(found: Together, share_FV: dict[str, Floats]) -> dict[str, dict[str, Any]]:
    """`of`, `strength` and the like of the fields that go with one of more ids; the others are left out.

    share_FV: by field, the share of training rows of each of its ids. A field follows the one that tells most of it. If
    that one tells nearly all, it may follow a third in some of its ids, so that it goes with that one too.
    """
    order = sorted(share_FV, key=lambda name: -len(share_FV[name]))
    out: dict[str, dict[str, Any]] = {}
    for i, name in enumerate(order):
        pairs = sorted(((dependence(found, name, other) or 0.0, other) for other in order[:i]), reverse=True)
        if not pairs or pairs[0][0] < LEAST:
            continue
        (most, finest), *rest = pairs
        beside = [pair for pair in rest if pair[0] >= LEAST and finest in out.get(pair[1], {}).values()]
        if most >= DETERMINED and beside:
            value, other = beside[0]
            out[name] = {"of": other, "otherwise": finest}
        else:
            value, other = most, finest
            out[name] = {"of": other}
        if len(share_FV[other]) <= IN_ORDER:
            out[name]["in_order"] = True
        least = min(entr(share_FV[name]).sum(), entr(share_FV[other]).sum())
        out[name]["strength"] = strength(value * float(least / entr(share_FV[name]).sum()), share_FV[name])
    return out


def by_session(data: IndexedDataset, found: Together, held: Sequence[str], first_N: npt.NDArray[np.bool_]) -> Together:
    """The same, but among fields that sessions hold on to, of one row each: rows of a session tell of each other."""
    rows_M = np.flatnonzero(first_N)[:MOST_ROWS]
    dealt_M = seeds.generator(0, "together", "sessions").permutation(len(rows_M))
    codes = [
        np.unique(data.codes(data.train, data.fields.index(name))[rows_M], return_inverse=True)[1] for name in held
    ]
    matrix = [list(row) for row in found.matrix]
    for (a, a_M), (b, b_M) in combinations(zip(held, codes, strict=True), 2):
        i, j = found.names.index(a), found.names.index(b)
        matrix[i][j] = matrix[j][i] = information.dependence(a_M, b_M, dealt_M)
    return replace(found, matrix=tuple(map(tuple, matrix)))


def dependence(found: Together, a: str, b: str) -> float | None:
    return found.matrix[found.names.index(a)][found.names.index(b)]


def strength(wanted: float, share_V: Floats) -> float:
    """The share of rows in which a field follows another, so that this one tells `wanted` of its entropy."""
    if not 0 < wanted < 1:
        return float(wanted > 0)
    return float(brentq(lambda at: told(at, share_V) - wanted, 0, 1, xtol=1e-6))


def told(strength: float, share_V: Floats) -> float:
    """The share of a field's entropy that the one it follows tells: of a value by strength, of others by chance."""
    rest_V = (1 - strength) * share_V
    left = share_V @ (entr(strength + rest_V) - entr(rest_V)) + entr(rest_V).sum()
    return float(1 - left / entr(share_V).sum())


def _fields(data: IndexedDataset, found: Together) -> list[str]:
    return [name for name in data.fields if name in found.names]


def _distinct(data: IndexedDataset, names: tuple[str, ...]) -> int:
    """How many values, or combinations of them, a sample of the rows shows."""
    step = max(1, len(data.train) // CROSSED_ROWS)
    codes = [np.asarray(data.codes(data.train, data.fields.index(name))[::step]) for name in names]
    return len(np.unique(np.column_stack(codes), axis=0))
