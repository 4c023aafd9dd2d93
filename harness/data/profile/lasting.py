"""How much of what the ids of a field say of a label holds later: from one half of training to the next.

Ids that have rows in both halves have residuals in both, label less the rate of the time. The product of their means is
on average the variance between these ids: by time, what of it lasts; with the same rows dealt out anew, all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.intraclass import LEAST_ERRORS, last_rows
from harness.data.profile.rates import Z

TIMES, FEWEST_ROWS = 64, 500
"""Equal parts of the rows, in order of time, each of which has a rate of its own, and the rows of a part at least."""
GROUPS, FEWEST = 40, 10
"""Parts of the ids, each of which the jackknife leaves out once, and the ids of both halves that it needs at least."""
ROUNDS, CLOSE = 30, 1e-3
"""How often weights are found anew at most; the share changes by less of itself when they are found."""
LEAST, BEGUN = 1e-5, 0.01
"""Of the variance: the least share that weights are made of, and the first."""
Ints = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lasting:
    """at_random, by_time: the variance between ids over that of the label, in two halves at once, drawn or in order.

    Of ids that are in both halves in time, which count about alike however many rows they have. error: standard error
    of `share`. told: whether `at_random` is more than chance.
    """

    at_random: float
    by_time: float
    error: float
    told: bool

    @property
    def share(self) -> float:
        """What of it lasts; about 1 where ids say the same all the time."""
        return self.by_time / self.at_random if self.at_random else math.nan

    def __str__(self) -> str:
        low, high = (self.share + side * Z * self.error for side in (-1, 1))
        return f"{self.share:.2f} [{low:.2f}, {high:.2f}]"


@dataclass(frozen=True)
class _Shared:
    """The variance between ids in two halves, over that of the residuals, and the same without each part of the ids,
    [GROUPS]. chance: its standard error if ids said nothing."""

    share: float
    without_G: Floats
    chance: float

    @property
    def told(self) -> bool:
        return self.share > LEAST_ERRORS * max(jackknife(self.without_G), self.chance)


def lasting(code_N: Ints, label_N: Floats, late_N: Bools, seed: int = 0) -> Lasting | None:
    """Of rows in order of time. late_N: those of the later half. None: too few ids are in both halves, or all labels
    are the same."""
    apart_N, (id_V, id_N) = _apart(label_N), np.unique(code_N, return_inverse=True)
    before_V, after_V = (np.bincount(id_N[at_N], minlength=len(id_V)) > 0 for at_N in (~late_N, late_N))
    both_V = before_V & after_V
    if np.count_nonzero(both_V) < FEWEST or not apart_N.any():
        return None
    kept_N, rng = both_V[id_N], np.random.default_rng(seed)
    id_M, apart_M, late_M = id_N[kept_N], apart_N[kept_N] / apart_N.std(), late_N[kept_N]
    part_V = rng.permutation(len(both_V)) % GROUPS
    drawn, ordered = (shared(id_M, apart_M, at_M, part_V) for at_M in (rng.permutation(late_M), late_M))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = jackknife(ordered.without_G / drawn.without_G)
    return Lasting(drawn.share, ordered.share, error, drawn.told and math.isfinite(error))


def shared(id_M: Ints, apart_M: Floats, late_M: Bools, part_V: Ints) -> _Shared:
    """The variance between ids, in two halves at once, of residuals whose variance is 1.

    The more an id's rows tell, the more it weighs; how much that is depends on the share, so that both are found in
    turn. part_V: of the jackknife, by id.
    """
    rows_2V = np.array([np.bincount(id_M[at_M], minlength=len(part_V)) for at_M in (~late_M, late_M)], np.float64)
    sums_2V = np.array([np.bincount(id_M[at_M], apart_M[at_M], len(part_V)) for at_M in (~late_M, late_M)])
    both_V = (rows_2V > 0).all(axis=0)
    rows_2U, product_U, share = rows_2V[:, both_V], (sums_2V[:, both_V] / rows_2V[:, both_V]).prod(axis=0), BEGUN
    for _ in range(ROUNDS):
        before = max(share, LEAST)
        weight_U = (rows_2U / (1 + rows_2U * before)).prod(axis=0)
        share = float(weight_U @ product_U / weight_U.sum())
        if abs(share - before) < CLOSE * before:
            break
    part_U = part_V[both_V]
    above_G, below_G = (np.bincount(part_U, value_U, GROUPS) for value_U in (weight_U * product_U, weight_U))
    with np.errstate(divide="ignore", invalid="ignore"):
        without_G = (above_G.sum() - above_G) / (below_G.sum() - below_G)
    chance = float(np.sqrt((weight_U**2 / rows_2U.prod(axis=0)).sum()) / weight_U.sum())
    return _Shared(share, without_G, chance)


def jackknife(without_G: Floats) -> float:
    """The standard error of a figure, from the same figure without each of G parts."""
    return float(np.sqrt((len(without_G) - 1) * without_G.var()))


def by_label(data: IndexedDataset) -> dict[str, dict[str, Lasting]]:
    """Of each task, of each field enough of whose ids return; nothing where rows have no times, or all have one."""
    split, found = last_rows(data), dict[str, dict[str, Lasting]]()
    if split.time_N is None:
        return found
    for t, task in enumerate(data.tasks):
        row_M = np.arange(len(split))[split.known(t)]
        row_M = row_M[np.argsort(split.time_N[row_M], kind="stable")]
        time_M, label_M = split.time_N[row_M], np.asarray(split.labels_NT[row_M, t], np.float64)
        late_M = time_M > time_M[max(0, len(time_M) // 2 - 1)] if len(time_M) else np.zeros(0, bool)
        each = {name: lasting(data.codes(split, f)[row_M], label_M, late_M) for f, name in enumerate(data.fields)}
        found[task] = {name: one for name, one in each.items() if one is not None}
    return found


def _apart(label_N: Floats) -> Floats:
    """Labels less the rate of their time."""
    parts = np.array_split(label_N, min(TIMES, max(1, len(label_N) // FEWEST_ROWS)))
    return np.concatenate([part - part.mean() if len(part) else part for part in parts])
