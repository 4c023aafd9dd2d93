"""What the draws of a log's field look like: one for each row or session, those of ids drawn once set apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.sessions import Bools
from harness.data.profile.statistics import FieldProfile
from harness.data.profile.zipf_fit import fit, frequencies
from harness.data.validation import SPLITS

Ints = npt.NDArray[np.int64]
EXCESS = 0.1
"""Least share of the ids seen once that a law must leave unexplained."""
LEAST_IDS = 20
"""Of each number of occurrences that the law of rare ids is read off."""


@dataclass(frozen=True)
class Draws:
    """profile, count_V: of the ids that follow a law, in training. rows: draws by split. once: share of the others."""

    profile: FieldProfile
    count_V: Ints
    rows: dict[str, int]
    once: float


def draws(data: IndexedDataset, f: int, known: FieldProfile, first: dict[str, Bools] | None) -> Draws:
    """Of field f, whose rows look as `known`. first: by split, the rows to count, if not all.

    Ids in lists that look up the same table are no draws of the field.
    """
    count_V, rows, unseen = data.counts(f), {part: len(data.split(part)) for part in SPLITS}, known.unseen
    if first is None and data.fields[f] in data.kinds.shares.values():
        first = {part: np.ones(n, np.bool_) for part, n in rows.items()}
    if first is not None:
        count_V = np.bincount(data.codes(data.train, f)[first["train"]], minlength=len(count_V))
        unseen = float((count_V[data.codes(data.test, f)[first["test"]]] == 0).mean())
        rows = {part: int(first_N.sum()) for part, first_N in first.items()}
    beyond = seen_once_beyond_the_law(count_V)
    if beyond:
        count_V = count_V.copy()
        count_V[np.flatnonzero(count_V == 1)[:beyond]] = 0
    once = beyond / rows["train"]
    if first is not None or beyond:
        law = fit(count_V)
        known = replace(known, frequencies=frequencies(count_V), law=law, unseen=max(0.0, unseen - once))
    return Draws(known, count_V, rows, once)


def seen_once_beyond_the_law(count_V: Ints) -> int:
    """How many more ids occur once than a power of the number of occurrences, read off 2 to 5, makes of them.

    At least so many: a law bends, and makes fewer than the power.
    """
    occurrences = np.arange(2, 6)
    number = np.bincount(np.minimum(count_V, 6), minlength=7)
    if number[2:6].min() < LEAST_IDS:
        return 0
    expected = np.exp(np.polyfit(np.log(occurrences), np.log(number[2:6]), 1)[1])
    beyond = int(number[1] - expected)
    return beyond if beyond > EXCESS * number[1] else 0
