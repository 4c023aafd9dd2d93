"""How much of a label goes with the ids of a field: the correlation of the labels of two rows of one id."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset, IndexedSplit

MOST_ROWS = 1 << 22
"""Of training, that are read: the last of them."""
LEAST_ERRORS = 3.0
"""As many standard errors from none are told from none."""


@dataclass(frozen=True)
class Intraclass:
    """value: the correlation of the labels of two rows of one id, in -1 .. 1. error: its standard error if it were 0.

    covariance: value times the variance of the label.
    """

    value: float
    error: float
    covariance: float

    @property
    def told(self) -> bool:
        """Whether labels go with the ids at all."""
        return self.value > LEAST_ERRORS * self.error


def intraclass(code_N: npt.NDArray[np.integer], value_N: npt.NDArray[np.floating]) -> Intraclass | None:
    """The estimate by analysis of variance, pairs of one id weighing one over its rows.

    code_N: ids as 0, 1, ...; value_N: labels, or probabilities, whose covariance is the same and less noisy. None: no
    id has two rows, or all labels are the same. The error is that of independent rows, where an id of n rows adds
    2 (n - 1) / n squared variances. (Ridout, Demetrio and Firth 1999 compare such estimates for binary data.)
    """
    if not len(code_N):
        return None
    apart_N = value_N - value_N.mean(dtype=np.float64)
    variance = float(np.square(apart_N).mean())
    count_V = np.bincount(code_N).astype(np.float64)
    returns_V = count_V > 1
    if not returns_V.any() or variance <= 0:
        return None
    n_U = count_V[returns_V]
    sum_U, square_U = (np.bincount(code_N, weights=apart_N**k)[returns_V] for k in (1, 2))
    pairs = (n_U - 1).sum()
    covariance = float(((sum_U**2 - square_U) / n_U).sum() / pairs)
    error = float(np.sqrt((2 * (n_U - 1) / n_U).sum()) / pairs)
    return Intraclass(covariance / variance, error, covariance)


def of_labels(data: IndexedDataset) -> dict[str, dict[str, Intraclass]]:
    """Of each task, of each field some of whose ids have two rows with a known label in training."""
    split = last_rows(data)
    found: dict[str, dict[str, Intraclass]] = {task: {} for task in data.tasks}
    for f, name in enumerate(data.fields):
        code_M = data.codes(split, f)
        for t, task in enumerate(data.tasks):
            if (one := of_known(split, t, code_M)) is not None:
                found[task][name] = one
    return found


def last_rows(data: IndexedDataset) -> IndexedSplit:
    """The training rows that are read."""
    return data.train.take(slice(max(0, len(data.train) - MOST_ROWS), None))


def of_known(split: IndexedSplit, t: int, code_M: npt.NDArray[np.integer]) -> Intraclass | None:
    """As `intraclass`, of the known labels of task t. code_M: of all rows."""
    known = split.known(t)
    return intraclass(code_M[known], np.asarray(split.labels_NT[:, t], np.float64)[known])
