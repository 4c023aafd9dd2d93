"""How near synthetic data come to a log: statistics of both, a shape score per column, a pair score per two columns.

Scores are between 0 and 1, as those of SDMetrics' quality report are; ids of a log have no counterparts in synthetic
data, so that shapes are compared by rank, and pairs by dependence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.preset_targets import NAMES
from harness.data.profile.sessions import sessions
from harness.data.profile.statistics import Profile, profile
from harness.data.profile.together import together
from harness.data.profile.zipf_fit import FEW, descending

SCORED = ("shape", "pair")


@dataclass(frozen=True)
class Compared:
    """One statistic of both. score: 1 where they agree; None where it has none."""

    kind: str
    statistic: str
    log: float
    made: float
    score: float | None = None


def compared(log: IndexedDataset, made: IndexedDataset, wanted: Profile) -> Iterator[Compared]:
    """Every statistic of two data sets with the same names, by kind: rate, session, tail, label, shape, pair.

    wanted: the profile of the log. What only one of them has is left out.
    """
    found = profile(made)
    rate_T = {task.name: task.rates["train"] for task in found.tasks}
    for task in wanted.tasks:
        rates = task.rates["train"], rate_T[task.name]
        yield Compared("rate", f"{task.name}, rate in training", *rates, 1 - abs(rates[0] - rates[1]))
    yield from _sessions(log, made)
    yield from _tails(wanted, found)
    yield from _labels(wanted, found)
    for name in log.fields:
        if name in made.fields:
            a_V, b_V = (data.counts(data.fields.index(name)) for data in (log, made))
            yield Compared("shape", f"{name}, ids", (a_V > 0).sum(), (b_V > 0).sum(), shape(a_V, b_V))
    yield from _pairs(log, made)


def means(lines: Sequence[Compared]) -> dict[str, tuple[int, float]]:
    """How many scores there are of columns and of pairs, and their mean."""
    scores = {kind: [line.score for line in lines if line.kind == kind and line.score is not None] for kind in SCORED}
    return {kind: (len(found), sum(found) / len(found)) for kind, found in scores.items() if found}


def shape(a_V: npt.NDArray[np.int64], b_V: npt.NDArray[np.int64]) -> float:
    """One less the total variation between two distributions of ids, the most frequent of either against each other."""
    longest = max(len(a_V), len(b_V))
    share_2V = np.zeros((2, longest))
    for share_V, count_V in zip(share_2V, (a_V, b_V), strict=True):
        count_U = descending(count_V)
        share_V[: len(count_U)] = count_U / count_U.sum()
    return float(1 - np.abs(share_2V[0] - share_2V[1]).sum() / 2)


def _sessions(log: IndexedDataset, made: IndexedDataset) -> Iterator[Compared]:
    both = [sessions(data) for data in (log, made)]
    if both[0] is not None and both[1] is not None:
        repeat = [each.repeat for each in both if each is not None]
        gap = [each.gap for each in both if each is not None]
        yield Compared("session", f"next row of a {both[0].by} within 30 minutes", repeat[0], repeat[1])
        yield Compared("session", "median seconds until then", gap[0], gap[1])


def _tails(wanted: Profile, found: Profile) -> Iterator[Compared]:
    made = {field.name: field for field in found.fields}
    for field in wanted.fields:
        if field.frequencies.ids < FEW or field.name not in made:
            continue
        other = made[field.name]
        for share, title in NAMES.items():
            values = (getattr(each.frequencies, share) for each in (field, other))
            yield Compared("tail", f"{field.name}, {title}", *values)
        rows = (each.frequencies.rows / each.frequencies.ids for each in (field, other))
        yield Compared("tail", f"{field.name}, rows per id", *rows)
        yield Compared("tail", f"{field.name}, unseen in test", field.unseen, other.unseen)


def _labels(wanted: Profile, found: Profile) -> Iterator[Compared]:
    for task, each in wanted.of_one_id.items():
        made = found.of_one_id.get(task, {})
        for name in (name for name in each if name in made):
            yield Compared("label", f"{task}, by {name}", each[name].value, made[name].value)


def _pairs(log: IndexedDataset, made: IndexedDataset) -> Iterator[Compared]:
    one, other = together(log), together(made)
    for i, a in enumerate(one.names):
        for j, b in enumerate(one.names[:i]):
            if a in other.names and b in other.names:
                value, found = one.matrix[i][j], other.matrix[other.names.index(a)][other.names.index(b)]
                if value is not None and found is not None:
                    yield Compared("pair", f"{b} and {a}", value, found, 1 - abs(value - found))
