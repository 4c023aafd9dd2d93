"""What a coded data set looks like, in numbers: its ids by field, its labels by task, the best that can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from harness.data.estimate import Estimate
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.profile.intraclass import Intraclass, of_labels
from harness.data.profile.kinds import ListProfile, NumberProfile, list_profiles, number_profiles
from harness.data.profile.zipf_fit import Frequencies, Law, fit, frequencies
from harness.data.validation import SPLITS

Array = npt.NDArray[np.generic]


@dataclass(frozen=True)
class FieldProfile:
    """One field. law: of its training counts. unseen, once: share of test rows whose id training saw 0, 1 times."""

    name: str
    frequencies: Frequencies
    law: Law | None
    unseen: float
    once: float


@dataclass(frozen=True)
class TaskProfile:
    """One task. known: labels, by split; positives, rates: of them. full: rates of the log before it was down-sampled.

    auc, logloss: of the truth on test, if it is known.
    """

    name: str
    known: dict[str, int]
    positives: dict[str, int]
    rates: dict[str, float]
    full: dict[str, float] | None
    auc: Estimate | None
    logloss: Estimate | None


@dataclass(frozen=True)
class SplitProfile:
    """One split. span: first and last time, if it has times. weights: least, mean and most, if it has any."""

    rows: int
    span: tuple[int, int] | None = None
    weights: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Profile:
    """A data set. everything: frequencies of the ids of all fields pooled; rarest_*: of the rarest id in a test row.

    of_one_id: how the labels of two rows of one id correlate, by task and field. notes: of the data set.
    """

    splits: dict[str, SplitProfile]
    fields: tuple[FieldProfile, ...]
    tasks: tuple[TaskProfile, ...]
    everything: Frequencies
    rarest_unseen: float
    rarest_once: float
    numbers: tuple[NumberProfile, ...] = ()
    lists: tuple[ListProfile, ...] = ()
    of_one_id: Mapping[str, Mapping[str, Intraclass]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        return {part: split.rows for part, split in self.splits.items()}


def profile(data: IndexedDataset) -> Profile:
    """Read the numbers off a data set."""
    rarest_N = data.rarest_count_N(data.test)
    return Profile(
        splits={part: _split(data.split(part)) for part in SPLITS},
        fields=tuple(_field(data, f) for f in range(len(data.fields))),
        tasks=tuple(_task(data, t) for t in range(len(data.tasks))),
        everything=frequencies(np.concatenate(data.count_V)),
        rarest_unseen=float((rarest_N == 0).mean()),
        rarest_once=float((rarest_N == 1).mean()),
        numbers=number_profiles(data),
        lists=list_profiles(data),
        of_one_id=of_labels(data),
        notes=data.notes,
    )


def _split(split: IndexedSplit) -> SplitProfile:
    time_N, weight_N = split.time_N, split.weight_N
    return SplitProfile(
        rows=len(split),
        span=None if time_N is None else (int(time_N.min()), int(time_N.max())),
        weights=None
        if weight_N is None
        else (float(weight_N.min()), float(weight_N.mean(dtype=np.float64)), float(weight_N.max())),
    )


def _field(data: IndexedDataset, f: int) -> FieldProfile:
    count_V = data.counts(f)
    count_N = count_V[data.codes(data.test, f)]
    return FieldProfile(
        name=data.fields[f],
        frequencies=frequencies(count_V),
        law=fit(count_V),
        unseen=float((count_N == 0).mean()),
        once=float((count_N == 1).mean()),
    )


def _task(data: IndexedDataset, t: int) -> TaskProfile:
    labels = {part: _known(data.split(part), t, "labels_NT") for part in SPLITS}
    kept, has_truth = data.kept.get(data.tasks[t]), data.test.truth_NT is not None
    truth_N = _known(data.test, t, "truth_NT").astype(np.float64) if has_truth else None
    return TaskProfile(
        name=data.tasks[t],
        known={part: len(label) for part, label in labels.items()},
        positives={part: int(label.sum()) for part, label in labels.items()},
        rates={part: float(label.mean()) for part, label in labels.items()},
        full=None
        if kept is None
        else {part: float(np.average(label, weights=kept.stands_for(label))) for part, label in labels.items()},
        auc=None if truth_N is None else delong(truth_N, labels["test"]),
        logloss=None if truth_N is None else _logloss(truth_N, labels["test"]),
    )


def _known(split: IndexedSplit, task: int, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(getattr(split, name)[split.known(task), task])


def delong(score_N: Array, label_N: Array) -> Estimate:
    """AUC, ties counting half, and its standard error (DeLong, DeLong and Clarke-Pearson 1988)."""
    from scipy.stats import rankdata  # here, as it takes a second to import, and truth alone is ranked

    positive = np.asarray(label_N) == 1
    up, down = int(positive.sum()), int((~positive).sum())
    overall = rankdata(score_N)
    above_P = (overall[positive] - rankdata(score_N[positive])) / down
    above_Q = 1 - (overall[~positive] - rankdata(score_N[~positive])) / up
    variance = sum(float(a.var(ddof=1)) / len(a) for a in (above_P, above_Q) if len(a) > 1)
    return Estimate(float(above_P.mean()), float(np.sqrt(variance)))


def _logloss(truth_N: Array, label_N: Array) -> Estimate:
    loss_N = -(xlogy(label_N, truth_N) + xlogy(1 - np.asarray(label_N, np.float64), 1 - truth_N))
    return Estimate(float(loss_N.mean()), float(loss_N.std() / np.sqrt(len(loss_N))))
