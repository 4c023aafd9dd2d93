"""Which columns go together: the dependence of every two fields, and of each field on each label, in training.

Of a list or sequence, a row has one id, drawn from its list: over many rows every pair of ids counts as often as if all
pairs were made, each by one over the lengths. It is what one id tells; the whole list may tell more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset
from harness.data.numbers import binned
from harness.data.profile.information import Codes, dependence
from harness.data.profile.numbers import edges
from harness.results.description import Together

MOST_COLUMNS = 40
LEAST_ROWS, MOST_ROWS, COST = 1 << 16, 1 << 19, 1 << 25
"""Rows of the sample: as many as make COST rows of pairs, within these."""


def together(data: IndexedDataset) -> Together:
    """Read off a sample of the training rows, the same at every call; columns beyond `MOST_COLUMNS` are left out."""
    every = (*data.fields, *(number.name for number in data.kinds.numbers), *data.kinds.list_names)
    names = every[: MOST_COLUMNS - len(data.tasks)]
    rows_K = _sample(len(data.train), (len(names) + len(data.tasks)) ** 2 // 2)
    codes = [_codes(data, name, rows_K) for name in names]
    labels = [data.train.labels_NT[rows_K, t].astype(np.int64) for t in range(len(data.tasks))]
    observed_NT = data.train.observed_NT
    known = [code_K >= 0 for code_K in (*codes, *labels)]
    if observed_NT is not None:
        known[len(names) :] = [observed_NT[rows_K, t] for t in range(len(labels))]
    data.train.release()
    columns, dealt_K = [*codes, *labels], seeds.generator(0, "together", "dealt").permutation(len(rows_K))
    matrix: list[list[float | None]] = [[None] * len(columns) for _ in columns]
    for i in range(len(columns)):
        for j in range(i):
            value = _dependence(columns[i], columns[j], known[i] & known[j], dealt_K)
            matrix[i][j] = matrix[j][i] = None if value is None else round(value, 4)
    left_out = every[len(names) :]
    return Together(
        (*names, *data.tasks), len(labels), len(rows_K), len(data.train), tuple(map(tuple, matrix)), left_out
    )


def strongest(found: Together, label: int | None = None) -> list[tuple[str, str, float]]:
    """Pairs of fields, or of a field and one label; those that go together most first."""
    fields = len(found.names) - found.labels
    others = range(fields) if label is None else (fields + label,)
    values = [
        (found.names[i], found.names[j], value)
        for j in others
        for i in range(j if label is None else fields)
        if (value := found.matrix[i][j]) is not None
    ]
    return sorted(values, key=lambda each: -each[2])


def _sample(rows: int, pairs: int) -> npt.NDArray[np.int64]:
    size = min(rows, MOST_ROWS, max(LEAST_ROWS, COST // max(pairs, 1)))
    if size == rows:
        return np.arange(rows)
    return np.sort(seeds.generator(0, "together").choice(rows, size, replace=False))


def _codes(data: IndexedDataset, name: str, rows_K: npt.NDArray[np.int64]) -> Codes:
    """0 and up; -1 where a row has no value."""
    if name in data.kinds.list_names:
        return _drawn(data, data.kinds.list_names.index(name), rows_K)
    if name in data.fields:
        value_K: npt.NDArray[np.int32] = np.asarray(data.train.codes_NF[rows_K, data.fields.index(name)])
    else:
        p = [number.name for number in data.kinds.numbers].index(name)
        assert data.train.numbers_NP is not None
        value_K = binned(np.asarray(data.train.numbers_NP[rows_K, p]), edges(data, p))
    return np.unique(value_K, return_inverse=True)[1].astype(np.int64)


def _drawn(data: IndexedDataset, g: int, rows_K: npt.NDArray[np.int64]) -> Codes:
    """Of each row's list one id; -1 where it is empty."""
    begin_NG, length_NG = data.train.begin_NG, data.train.length_NG
    assert begin_NG is not None
    assert length_NG is not None
    length_K, code_K = np.asarray(length_NG[rows_K, g]), np.full(len(rows_K), -1)
    share_K = seeds.generator(0, "together", "drawn", g).random(len(rows_K))
    at_K = begin_NG[rows_K, g] + (share_K * length_K).astype(np.int64)
    some_K = length_K > 0
    code_K[some_K] = np.unique(data.values[g][at_K[some_K]], return_inverse=True)[1]
    return code_K


def _dependence(a_K: Codes, b_K: Codes, known_K: npt.NDArray[np.bool_], dealt_K: Codes) -> float | None:
    """Of the rows where both are known."""
    if known_K.all():
        return dependence(a_K, b_K, dealt_K)
    place_K = np.cumsum(known_K) - 1
    return dependence(a_K[known_K], b_K[known_K], place_K[dealt_K[known_K[dealt_K]]])
