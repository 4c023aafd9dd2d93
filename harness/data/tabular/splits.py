"""Which rows are trained on, and which are held out: told for the rows of a batch, by the same rule in every batch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import Ints, UserError, hash_ids
from harness.data.tabular.time_counts import Read, TimeCounts, times_at
from harness.data.validation import SPLITS

Parts = npt.NDArray[np.int8]
"""Of each row: the place of its split in SPLITS."""
LEFT_OUT = -1
"""Of a row that is in no split."""


@dataclass(frozen=True)
class Cuts:
    """Times that part a log. No one time is in two splits."""

    train_end: int
    """What is as late or later, and before valid, is left out."""
    valid: int
    """The first time of valid."""
    test: int
    end: int | None = None
    """What is as late or later is left out."""

    def parts(self, time_N: Ints) -> Parts:
        found = np.zeros(len(time_N), np.int8)
        found[time_N >= self.train_end] = LEFT_OUT
        found[time_N >= self.valid] = 1
        found[time_N >= self.test] = 2
        if self.end is not None:
            found[time_N >= self.end] = LEFT_OUT
        return found


def time_cuts(
    counts: TimeCounts, read: Read, shares: tuple[float, float], gap: int, where: str, later: int = 0
) -> Cuts:
    """Where valid and test begin, so that they have these shares of the rows, or a little more.

    counts: of all times, which `read` reads once more. gap: seconds before valid of which train has no rows, as their
    labels may be decided in it. where: begins messages. later: so many further test windows follow, and are left out.

    Raises:
        UserError: a split would be empty, as too few times are distinct or the gap takes all of train.
    """
    rows, (valid, test) = int(counts.spans()[1].sum()), shares
    ends = [1 - valid - test * (later + 1), 1 - test * (later + 1), *([1 - test * later] if later else [])]
    ranks = (0, *(min(round(rows * share), rows - 1) for share in ends))
    first, *cuts = times_at(ranks, counts, read)
    if not all(earlier < after for earlier, after in pairwise((first, *cuts))):
        raise UserError(f"{where}: {_why_empty(counts, ends, cuts)}")
    if first >= cuts[0] - gap:
        days = (cuts[0] - first) / 86_400
        raise UserError(
            f"{where}: gap takes all of train, which begins {days:.4g} days before valid; accepted: a shorter one"
        )
    return Cuts(cuts[0] - gap, *cuts)


def _why_empty(counts: TimeCounts, ends: list[float], cuts: list[int]) -> str:
    """Which splits are empty, and which shares would leave none so. cuts: the times at these shares of the rows."""
    span_S, count_S = counts.spans()
    same = next((n for n in range(len(cuts) - 1) if cuts[n] == cuts[n + 1]), None)
    at = f"no row is before the cut at {ends[0]:.0%}, in time {cuts[0]}"
    if same is not None:
        at = f"the cuts at {ends[same]:.0%} and {ends[same + 1]:.0%} of the rows fall into time {cuts[same]}"
    if len(cuts) > 2:
        return f"no time is torn apart: {at}; accepted: a smaller rolling, or larger shares"
    if counts.shift:
        return f"no time is torn apart: {at}; accepted: shares with a time between the cuts"
    few = f"time has {len(span_S):,} distinct values, of which none is torn apart"
    if len(span_S) < 3:
        return f'{few}: {at}; accepted: three times at least, or split.by = "group"'
    shares = (np.cumsum(count_S[::-1]) / count_S.sum())[:2]
    best = f"valid = {shares[1] - shares[0]:.4g}, test = {shares[0]:.4g}"
    return f"{few}: {at}; accepted: shares with a time between the cuts, as {best}"


def drawn_parts(group_N: Ints, shares: tuple[float, float], salt: int) -> Parts:
    """Parts at random, by a salted hash; no group is in two of them. shares: of valid and test."""
    valid, test = shares
    draw_N, found = hash_ids(group_N, salt), np.zeros(len(group_N), np.int8)
    found[draw_N < np.uint64((valid + test) * 2.0**64)] = 1
    found[draw_N < np.uint64(test * 2.0**64)] = 2
    return found


def told_parts(said: pl.Series, where: str) -> Parts:
    """Parts of rows that say `train`, `valid` or `test`.

    Raises:
        UserError: a row says anything else. where: begins the message.
    """
    if other := sorted(map(repr, set(said.unique().to_list()) - set(SPLITS))):
        raise UserError(f"{where}: column says {', '.join(other[:3])}; accepted: train, valid, test")
    return said.cast(pl.Enum(SPLITS)).to_physical().to_numpy().astype(np.int8)
