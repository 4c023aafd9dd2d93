"""How much of what the ids of a field say of a label holds later: from one half of training to the next.

Ids that occur in two halves of the training rows have residuals in both, label less rate. Their product is on average
the variance between ids in both halves: by time, what of it lasts; at random, all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.intraclass import LEAST_ERRORS, last_rows
from harness.data.profile.rates import Z

GROUPS = 40
"""Parts of the ids, each of which the jackknife leaves out once."""
ROUNDS, CLOSE = 30, 1e-3
"""How often weights are found anew at most; the share changes by less of itself when they are found."""
LEAST, BEGUN = 1e-5, 0.01
"""Of the variance: the least share that weights are made of, and the first."""
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lasting:
    """at_random, by_time: the variance between ids over that of the label, in two halves at once, drawn or in order.

    error: standard error of `share`. told: whether there is anything that could last.
    """

    at_random: float
    by_time: float
    error: float
    told: bool

    @property
    def share(self) -> float:
        """What of it lasts; about 1 where ids say the same all the time."""
        return self.by_time / self.at_random

    def __str__(self) -> str:
        low, high = (self.share + side * Z * self.error for side in (-1, 1))
        return f"{self.share:.2f} [{low:.2f}, {high:.2f}]"


@dataclass(frozen=True)
class _Shared:
    """What ids say in both halves, and the same without each part of the ids in turn, [GROUPS]."""

    share: float
    without_G: Floats

    @property
    def error(self) -> float:
        return jackknife(self.without_G)


def lasting(code_N: npt.NDArray[np.integer], label_N: Floats, seed: int = 0) -> Lasting | None:
    """code_N: ids as 0, 1, ..., of rows in order of time. None: no id returns, or all labels are the same."""
    late_N, rng = np.arange(len(code_N)) >= len(code_N) // 2, np.random.default_rng(seed)
    mixed_N, part_V = rng.permutation(late_N), rng.integers(GROUPS, size=int(code_N.max(initial=0)) + 1)
    drawn, ordered = (shared(code_N, label_N, at_N, part_V) for at_N in (mixed_N, late_N))
    if drawn is None or ordered is None:
        return None
    told = drawn.share > LEAST_ERRORS * drawn.error
    with np.errstate(divide="ignore", invalid="ignore"):
        error = jackknife(ordered.without_G / drawn.without_G)
    return Lasting(drawn.share, ordered.share, error, told and bool(np.isfinite(error)))


def shared(
    code_N: npt.NDArray[np.integer], label_N: Floats, late_N: Bools, part_V: npt.NDArray[np.integer]
) -> _Shared | None:
    """The variance between ids in both halves, over that of the label; None: no id is in both, or no label varies.

    An id weighs the more the more its rows tell, which depends on the outcome itself. part_V: of the jackknife, by id.
    """
    halves = [_half(code_N[at_N], label_N[at_N], len(part_V)) for at_N in (~late_N, late_N)]
    both_V = (halves[0][0] > 0) & (halves[1][0] > 0)
    variance = float(label_N.var()) if len(label_N) else 0.0
    if not both_V.any() or variance <= 0:
        return None
    (first_U, sum_U), (then_U, later_U) = ((rows_V[both_V], sum_V[both_V]) for rows_V, sum_V in halves)
    product_U, share = sum_U * later_U / (first_U * then_U) / variance, BEGUN
    for _ in range(ROUNDS):
        before = max(share, LEAST)
        weight_U = first_U / (1 + first_U * before) * then_U / (1 + then_U * before)
        share = float(weight_U @ product_U / weight_U.sum())
        if abs(share - before) < CLOSE * before:
            break
    part_U = part_V[both_V]
    above_G, below_G = (np.bincount(part_U, value_U, GROUPS) for value_U in (weight_U * product_U, weight_U))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _Shared(share, (above_G.sum() - above_G) / (below_G.sum() - below_G))


def jackknife(without_G: Floats) -> float:
    """The standard error of a figure, from the same figure without each of G parts."""
    return float(np.sqrt((len(without_G) - 1) * without_G.var()))


def by_label(data: IndexedDataset) -> dict[str, dict[str, Lasting]]:
    """Of each task, of each field some of whose ids return; nothing where rows have no times."""
    split, found = last_rows(data), dict[str, dict[str, Lasting]]()
    if split.time_N is None:
        return found
    for t, task in enumerate(data.tasks):
        row_M = np.arange(len(split))[split.known(t)]
        row_M = row_M[np.argsort(split.time_N[row_M], kind="stable")]
        label_M = np.asarray(split.labels_NT[row_M, t], np.float64)
        each = {name: lasting(data.codes(split, f)[row_M], label_M) for f, name in enumerate(data.fields)}
        found[task] = {name: one for name, one in each.items() if one is not None}
    return found


def _half(code_M: npt.NDArray[np.integer], label_M: Floats, ids: int) -> tuple[Floats, Floats]:
    """Of each id: its rows, and its residuals added up."""
    apart_M = label_M - label_M.mean() if len(label_M) else label_M
    rows_V = np.bincount(code_M, minlength=ids).astype(np.float64)
    return rows_V, np.bincount(code_M, apart_M, ids).astype(np.float64)
