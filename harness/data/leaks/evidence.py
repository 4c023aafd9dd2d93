"""What counts of labels by value tell of one column and one task, in a handful of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.estimate import Estimate
from harness.data.leaks.tallies import AFTER, BEFORE, Ints, Tally

Floats = npt.NDArray[np.float64]
HELD_OUT = ("valid", "test")
SMOOTHING = 20
"""Rows at the base rate that are added to those of an id: an id that was seen once says little."""
FEW = 50
"""Labels of a class in a split below which it has no AUC here."""


@dataclass(frozen=True)
class Returning:
    """The share of positives among rows whose id comes again just after the cut, and among the others.

    again, others: of rows just before the cut; rows: of the fewer of the two. difference: of these shares. earlier: the
    same difference in all rows before them, where an id comes again for other reasons than their labels.
    """

    again: float
    others: float
    rows: int
    difference: Estimate
    earlier: float


@dataclass(frozen=True)
class Apart:
    """Held-out labels that are 0 and 1: of rows with the value that is most frequent in training, and of all others."""

    usual: tuple[int, int]
    others: tuple[int, int]


@dataclass(frozen=True)
class Telling:
    """auc: held-out split -> how well the mean training label of what a column has ranks its labels. apart: None where
    a row has several values."""

    column: str
    what: str
    task: str
    auc: Mapping[str, Estimate]
    apart: Apart | None


@dataclass(frozen=True)
class Evidence(Telling):
    """Of ids also: likeness: intra-class correlation of the labels of an id. repeated: ids with two known labels or
    more; pure: the share of them with one class; torn: the share of held-out labels whose id has labels in training."""

    likeness: Estimate
    repeated: int
    pure: float
    torn: float
    returning: Returning | None


def telling(tally: Tally) -> Telling:
    """What a tally says of its labels."""
    mean_V = smoothed_means(tally.labels_V2["train"])
    auc = auc_by_split(dict.fromkeys(HELD_OUT, mean_V), tally.labels_V2)
    return Telling(tally.column, tally.what, tally.task, auc, apart(tally.labels_V2))


def evidence(tally: Tally) -> Evidence:
    """Reduce a tally of ids to what the checks read."""
    label_V2 = tally.labels_V2
    everywhere_V2 = label_V2["train"] + label_V2["valid"] + label_V2["test"]
    several_U2 = everywhere_V2[everywhere_V2.sum(axis=1) > 1]
    held_V = label_V2["valid"].sum(axis=1) + label_V2["test"].sum(axis=1)
    return Evidence(
        **vars(telling(tally)),
        likeness=likeness(several_U2),
        repeated=len(several_U2),
        pure=float((several_U2.min(axis=1) == 0).mean()) if len(several_U2) else 0.0,
        torn=float(held_V[label_V2["train"].any(axis=1)].sum() / max(held_V.sum(), 1)),
        returning=returning(label_V2) if BEFORE in label_V2 else None,
    )


def apart(labels_V2: Mapping[str, Ints]) -> Apart:
    """The held-out labels of the usual value, and of the others."""
    held_V2 = labels_V2["valid"] + labels_V2["test"]
    usual_2 = held_V2[labels_V2["train"].sum(axis=1).argmax()]
    usual, others = ((int(zeros), int(ones)) for zeros, ones in (usual_2, held_V2.sum(axis=0) - usual_2))
    return Apart(usual, others)


def smoothed_means(labels_V2: Ints) -> Floats:
    """The mean label of each id, drawn to the base rate; the base rate for an id without labels."""
    base = labels_V2[:, 1].sum() / max(labels_V2.sum(), 1)
    return np.asarray((labels_V2[:, 1] + SMOOTHING * base) / (labels_V2.sum(axis=1) + SMOOTHING))


def auc_by_split(score: Mapping[str, Floats], labels_V2: Mapping[str, Ints]) -> dict[str, Estimate]:
    """`auc_of_ids` of the held-out splits that have enough labels."""
    enough = [part for part in HELD_OUT if labels_V2[part].sum(axis=0).min() >= FEW]
    return {part: auc_of_ids(score[part], labels_V2[part]) for part in enough}


def auc_of_ids(score_V: Floats, labels_V2: Ints) -> Estimate:
    """AUC of a score that all rows of an id share, ties counting half, and its standard error (DeLong)."""
    held = labels_V2.any(axis=1)
    score_U, at_H = np.unique(score_V[held], return_inverse=True)
    zeros_U, ones_U = (np.bincount(at_H, labels_V2[held, c], len(score_U)) for c in (0, 1))
    zeros, ones = zeros_U.sum(), ones_U.sum()
    below_U = (np.cumsum(zeros_U) - zeros_U / 2) / zeros
    above_U = 1 - (np.cumsum(ones_U) - ones_U / 2) / ones
    auc = float(ones_U @ below_U / ones)
    variance = ones_U @ (below_U - auc) ** 2 / ones**2 + zeros_U @ (above_U - auc) ** 2 / zeros**2
    return Estimate(auc, float(np.sqrt(variance)))


def likeness(labels_U2: Ints) -> Estimate:
    """Intra-class correlation: of the labels of two rows of an id, averaged over rows; its standard error over ids.

    labels_U2: ids with two labels or more.
    """
    ones_U, n_U = labels_U2[:, 1], labels_U2.sum(axis=1)
    base = ones_U.sum() / max(n_U.sum(), 1)
    if not 0 < base < 1:
        return Estimate(0.0, 1.0)
    pairs_U = (ones_U - n_U * base) ** 2 - ones_U * (1 - base) ** 2 - labels_U2[:, 0] * base**2
    like_U = pairs_U / (n_U - 1) / (base * (1 - base))
    value = like_U.sum() / n_U.sum()
    return Estimate(float(value), float(np.sqrt(((like_U - n_U * value) ** 2).sum()) / n_U.sum()))


def returning(labels_V2: Mapping[str, Ints]) -> Returning | None:
    """Whether labels before the cut depend on what comes after it; None where all rows are of one kind."""
    again_V, before_V2 = labels_V2[AFTER].sum(axis=1) > 0, labels_V2[BEFORE]
    (share, rows), (share_earlier, rows_earlier) = (
        _shares(label_V2, again_V) for label_V2 in (before_V2, labels_V2["train"] - before_V2)
    )
    if not rows.min():
        return None
    error = float(np.sqrt((share * (1 - share) / rows).sum()))
    earlier = float(share_earlier[0] - share_earlier[1]) if rows_earlier.min() else 0.0
    again, others = share.tolist()
    return Returning(again, others, int(rows.min()), Estimate(again - others, error), earlier)


def _shares(labels_V2: Ints, again_V: npt.NDArray[np.bool_]) -> tuple[Floats, Ints]:
    """Of the rows whose id comes again, then of the others: the share of positives, and how many they are."""
    label_22 = np.stack([labels_V2[again_V].sum(axis=0), labels_V2[~again_V].sum(axis=0)])
    rows = label_22.sum(axis=1)
    return label_22[:, 1] / np.maximum(rows, 1), rows
