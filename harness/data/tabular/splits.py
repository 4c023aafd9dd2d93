"""Which rows are trained on, and which are held out: positions of train, valid and test."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from harness.api import Generator, Ints, UserError, hash_ids
from harness.data.validation import SPLITS

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
LATEST = 10**11
"""Seconds in the year 5138: times beyond are of a smaller unit."""


def duration(text: str) -> int:
    """Seconds of a time as `90d`, `12h`, `30m`, `45s` or `2w`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(\d+)([smhdw])", text)
    if found is None:
        raise ValueError(f"{text!r} is no time; accepted: a number and a unit, as 90d, 12h, 30m, 45s or 2w")
    return int(found[1]) * UNITS[found[2]]


def split_by_time(time_N: Ints, valid: float, test: float, gap: int, where: str) -> list[Ints]:
    """Positions of train, valid and test, in order of time; no one time is in two of them.

    gap: seconds before valid of which train has no rows, as their labels may be decided in it. where: begins messages.

    Raises:
        UserError: a split is empty, as too few times are distinct or the gap takes all of it.
    """
    if gap and (latest := int(time_N.max())) > LATEST:
        raise UserError(f"{where}: gap needs time in seconds, not up to {latest}; accepted: seconds, as ts / 1000")
    order = np.argsort(time_N, kind="stable")
    ends = [min(round(len(order) * share), len(order) - 1) for share in (1 - valid - test, 1 - test)]
    parts = np.split(order, np.searchsorted(time_N[order], time_N[order[ends]]))
    if not all(map(len, parts)):
        raise UserError(f"{where}: {_why_empty(time_N, valid, test, [int(time_N[order[end]]) for end in ends])}")
    return _apart(parts, time_N, gap, where) if gap else parts


def _apart(parts: list[Ints], time_N: Ints, gap: int, where: str) -> list[Ints]:
    """The same, without the rows of train that the gap takes."""
    train, valid, test = parts
    kept = train[time_N[train] < time_N[valid].min() - gap]
    if not len(kept):
        days = int(time_N[train].max() - time_N[train].min()) / 86_400
        raise UserError(f"{where}: gap takes all of train, which lasts {days:.4g} days; accepted: a shorter one")
    return [kept, valid, test]


def _why_empty(time_N: Ints, valid: float, test: float, cuts: list[int]) -> str:
    """Which splits are empty, and which shares would leave none so."""
    times, count = np.unique(time_N, return_counts=True)
    few = f"time has {len(times):,} distinct values, of which none is torn apart"
    both = f"the cuts at {1 - valid - test:.0%} and {1 - test:.0%} of the rows fall into time {cuts[0]}"
    at = both if cuts[0] == cuts[1] else f"no row is before the cut at {1 - valid - test:.0%}, in time {cuts[0]}"
    if len(times) < 3:
        return f'{few}: {at}; accepted: three times at least, or split.by = "group"'
    shares = (np.cumsum(count[::-1]) / len(time_N))[:2]
    best = f"valid = {shares[1] - shares[0]:.4g}, test = {shares[0]:.4g}"
    return f"{few}: {at}; accepted: shares with a time between the cuts, as {best}"


def split_by_group(group_N: Ints, time_N: Ints | None, valid: float, test: float, rng: Generator) -> list[Ints]:
    """Positions of train, valid and test, in order of time where there is one; no group is in two of them."""
    order = np.arange(len(group_N)) if time_N is None else np.argsort(time_N, kind="stable")
    draw_N = hash_ids(group_N, int(rng.integers(2**63)))[order]
    test_N = draw_N < np.uint64(test * 2.0**64)
    valid_N = ~test_N & (draw_N < np.uint64((valid + test) * 2.0**64))
    return [order[~test_N & ~valid_N], order[valid_N], order[test_N]]


def split_by_column(part: pl.Series, where: str) -> list[Ints]:
    """Positions of the rows that say `train`, `valid` and `test`.

    Raises:
        UserError: a row says anything else, or none says one of them.
    """
    said = set(part.unique().to_list())
    if other := sorted(map(repr, said - set(SPLITS))):
        raise UserError(f"{where}: column says {', '.join(other[:3])}; accepted: train, valid, test")
    if missing := [name for name in SPLITS if name not in said]:
        raise UserError(f"{where}: column says {missing[0]} in no row; accepted: train, valid and test, each in some")
    return [np.flatnonzero((part == name).to_numpy()) for name in SPLITS]
