"""The generator's numbers, lists and sequences from those of a log: their laws, and the field that each goes with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Ints, ListField, hash_ids
from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.zipf_fit import descending, exponent_of_ranks, fit
from harness.data.synthetic.fields import MOST_EXPONENT, MOST_IDS
from harness.data.synthetic.kinds import MOST_LISTED

DAY = 86_400
MOST_ROWS = 1 << 18
"""Of training, that are read: the last of them."""
LEAST_STRENGTH = 0.05
"""Of the variance of a number, below which it is the row's own."""
SAME = 0.95
"""Share of next rows of an id with the same list, from which on it has one list for ever."""
FEWEST_PAIRS = 100
"""Rows of an id after another of it, for a field to be looked at."""

Pairs = tuple[Ints, Ints]
"""Rows of an id, and the next row of it."""


def match_kinds(data: IndexedDataset, fields: dict[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Knobs of each number, list and sequence, by kind and name, as far as there are any. fields: those matched."""
    first = max(0, len(data.train) - MOST_ROWS)
    pairs = {name: _pairs(data, name, first) for name in fields if "cross" not in fields[name]}
    pairs = {name: both for name, both in pairs.items() if len(both[0]) >= FEWEST_PAIRS}
    found: dict[str, dict[str, dict[str, Any]]] = {"numbers": dict(_numbers(data, first, pairs))}
    found |= {"lists": {}, "sequences": {}}
    for g, each in enumerate(data.kinds.lists):
        of = data.kinds.shares.get(each.name)
        if of is None:
            found["lists"][each.name] = _list(data, g, each, first, pairs)
        elif of in fields and "cross" not in fields[of] and pairs:
            sequence = {"of": of} | _sequence(data, g, each, first, pairs, of)
            if {fields[of].get("of"), fields[of].get("otherwise")} <= {None, sequence["by"]}:
                found["sequences"][each.name] = sequence
    return {kind: values for kind, values in found.items() if values}


def _pairs(data: IndexedDataset, name: str, first: int) -> Pairs:
    """Counted from row `first` of training."""
    code_N = data.codes(data.train, data.fields.index(name), slice(first, None))
    order = np.argsort(code_N, kind="stable")
    same = np.flatnonzero(np.diff(code_N[order]) == 0)
    return order[same], order[same + 1]


def _numbers(data: IndexedDataset, first: int, pairs: dict[str, Pairs]) -> Iterator[tuple[str, dict[str, Any]]]:
    """On the scale that models read, which is all that is kept of them. A number goes with the field in whose ids it
    varies least from row to row."""
    if data.train.numbers_NP is None:
        return
    for p, number in enumerate(data.kinds.numbers):
        value_N = np.asarray(data.train.numbers_NP[first:, p], np.float64)
        missing = float(np.isnan(value_N).mean())
        mean, deviation = (float(np.nanmean(value_N)), float(np.nanstd(value_N))) if missing < 1 else (0.0, 0.0)
        knobs: dict[str, Any] = {"mean": mean, "deviation": deviation or 1.0, "missing": min(missing, 0.999)}
        within = {name: _apart(value_N, both) for name, both in pairs.items()}
        best = min(within, key=lambda name: within[name], default=None)
        strength = 0.0 if best is None or not deviation else 1 - within[best] / deviation**2
        if strength > LEAST_STRENGTH:
            knobs |= {"of": best, "strength": min(strength, 1.0)}
        yield number.name, knobs | {"scale": "none"}


def _apart(value_N: npt.NDArray[np.float64], pairs: Pairs) -> float:
    """The variance of a number among rows of an id."""
    apart_M = value_N[pairs[0]] - value_N[pairs[1]]
    known_M = apart_M[~np.isnan(apart_M)]
    return float(np.square(known_M).mean() / 2) if len(known_M) >= FEWEST_PAIRS else np.inf


def _list(data: IndexedDataset, g: int, each: ListField, first: int, pairs: dict[str, Pairs]) -> dict[str, Any]:
    count_V = data.count_V[data.table_of(each.name)]
    law = fit(count_V) or exponent_of_ranks(descending(count_V))
    length_N = _lengths(data, g, each, first)
    longest = int(max(length_N.max(), 1))
    knobs = {
        "ids": min(max(2, law.ids), MOST_IDS),
        "exponent": min(max(law.exponent, 0.0), MOST_EXPONENT),
        "shift": max(law.shift, 0.0),
        "length": float(length_N.mean()),
        "shortest": int(length_N.min()),
        "longest": longest,
        "pool": each.pool,
    }
    print_N = _fingerprints(data, g, first)
    sizes = {name: len(data.counts(data.fields.index(name))) for name in pairs}
    stays = [name for name, (a, b) in pairs.items() if (print_N[a] == print_N[b]).mean() >= SAME]
    return knobs | ({"of": min(stays, key=lambda name: sizes[name])} if stays else {})


def _sequence(
    data: IndexedDataset, g: int, each: ListField, first: int, pairs: dict[str, Pairs], of: str
) -> dict[str, Any]:
    """A history belongs to the field in whose rows it goes on best, and grows as it does in them."""
    code_M, all_N = data.listed_codes(data.train, g, slice(first, None))
    begin_N = np.cumsum(all_N) - all_N
    oldest_N = np.where(all_N > 0, code_M[np.minimum(begin_N, len(code_M) - 1)], -1)
    by = max(
        (name for name in pairs if name != of),
        key=lambda name: float((oldest_N[pairs[name][0]] == oldest_N[pairs[name][1]]).mean()),
    )
    length_N, (a, b) = _lengths(data, g, each, first), pairs[by]
    longest, time_N = int(max(length_N.max(), 1)), data.train.time_N
    free = length_N[b] < longest
    days = 0.0 if time_N is None else float((time_N[first:][b[free]] - time_N[first:][a[free]]).sum()) / DAY
    grown = float((length_N[b[free]] - length_N[a[free]]).sum())
    return {
        "by": by,
        "length": float(length_N[: max(1, len(length_N) // 10)].mean()),
        "per_day": grown / days if days > 0 and grown > 0 else 1.0,
        "longest": longest,
    }


def _lengths(data: IndexedDataset, g: int, each: ListField, first: int) -> Ints:
    """As many as models read."""
    assert data.train.length_NG is not None
    length_N = np.asarray(data.train.length_NG[first:, g], np.int64)
    return np.minimum(length_N, min(each.longest, MOST_LISTED))


def _fingerprints(data: IndexedDataset, g: int, first: int) -> npt.NDArray[np.uint64]:
    """The same number for lists of the same ids."""
    code_M, length_N = data.listed_codes(data.train, g, slice(first, None))
    sums = np.append(np.uint64(0), np.cumsum(hash_ids(code_M.astype(np.int64), 0)))
    ends = np.cumsum(length_N)
    return np.asarray(sums[ends] - sums[ends - length_N], np.uint64)
