"""From a population to rows: calibrate its intercepts, and make any slice of it, or all of it in chunks.

Row i of N stands in the i-th of N equal shares of the expected traffic. Every field's id has a vector of normals that
is a function of the id. The logit of task t is

    sum_f s_f (sqrt(c) z_f0 + sqrt(1 - c) z_ft)  +  interaction * sum_k w_tk u_k v_k  +  drift * sum_k d_k(time) v_k

with id biases and context in the first sum, u and v the latent vectors of the two sides of `match`, and c the
correlation. P(t | the task above) = sigmoid(logit / sqrt(1 + pi noise^2 / 8) + intercept): what no model can know is
integrated out (MacKay 1992), so a row's truth is the probability that drew its label *and* the best that can be known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Lists, Split, UserError
from harness.base import seeds
from harness.base.threads import CORES, mapped
from harness.data.synthetic import kernel
from harness.data.synthetic.compile import compile_population
from harness.data.synthetic.population import Population
from harness.data.synthetic.stream import key
from harness.data.synthetic.thinned import kept_truth

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
CALIBRATION = 1 << 20
"""Rows, spread evenly, on which intercepts are solved; a smaller data set uses every row."""
CHUNK = 1 << 17


@dataclass(frozen=True)
class Rows:
    """The N rows of a slice that were kept, hidden fields left out.

    index_NF: int64 index of each id; of those drawn by a law the rank (from 0) is its remainder by the field's ids.
    ids_NF: int64 raw ids, a bijection of the index. labels_NT: final ones. delay_NT: int32 seconds from the row to the
    conversion, -1 where there is none. time_N: int64 seconds from the start. truth_NT: float32, of rows that are kept.
    numbers_NP: float32, NaN where one is missing. listed_NW: int64 raw ids of lists and sequences, each with room for
    its longest, of which length_NG counts.
    """

    ids_NF: Ints
    index_NF: Ints
    labels_NT: npt.NDArray[np.uint8]
    truth_NT: npt.NDArray[np.float32]
    delay_NT: npt.NDArray[np.int32]
    time_N: Ints
    numbers_NP: npt.NDArray[np.float32]
    length_NG: Ints
    listed_NW: Ints

    def take(self, which_N: npt.NDArray[np.bool_]) -> Rows:
        """Those rows alone."""
        return Rows(**{field.name: getattr(self, field.name)[which_N] for field in fields(self)})

    def seen_by(self, seconds: int) -> npt.NDArray[np.bool_]:
        """Where a label is known at that time, bool [N, T]: all but conversions that are still to come."""
        return (self.delay_NT < 0) | (self.time_N[:, None] + self.delay_NT <= seconds)


class Sampler:
    """The rows of a population under one seed."""

    @classmethod
    def drawn(cls, population: Population, data_seed: int) -> Sampler:
        """As a plan with this `data_seed` gets them."""
        return cls(population, sampler_seed(seeds.generator(data_seed, "data", "powerlaw")))

    def __init__(self, population: Population, seed: int) -> None:
        self.population, self.seed = population, seed
        hidden = [field.hidden for field in population.fields.values()]
        self._shown: Any = np.flatnonzero(np.logical_not(hidden)) if any(hidden) else slice(None)
        self.fields = tuple(name for name, field in population.fields.items() if not field.hidden)
        self.tasks = tuple(population.tasks)
        self.kinds = population.kinds
        self.group = None if population.group is None else self.fields.index(population.group)
        self.compiled = compile_population(population, seed)

    @cached_property
    def intercepts(self) -> Floats:
        """The intercept of each task, at which the mean truth over the calibration rows is its rate."""
        n = min(self.population.rows, CALIBRATION)
        at_M = np.arange(n, dtype=np.int64) * self.population.rows // n
        logit_MT, examined_M = np.empty((n, len(self.tasks))), np.empty(n)

        def make(cut: slice) -> None:
            kernel.make_logits(at_M[cut], logit_MT[cut], examined_M[cut], self.compiled)

        list(mapped(make, [slice(a, a + CHUNK) for a in range(0, n, CHUNK)]))
        truth_MT, found = np.ones((n, len(self.tasks))), np.zeros(len(self.tasks))
        for t, task in enumerate(self.population.tasks.values()):
            above_M = examined_M if task.under is None else truth_MT[:, self.tasks.index(task.under)].copy()
            logit_M = logit_MT[:, t].copy()
            found[t] = calibrate(logit_M, above_M, task.rate)
            truth_MT[:, t] = above_M / (1 + np.exp(-(logit_M + found[t])))
        return found

    def rows(self, first: int, last: int) -> Rows:
        """Of rows first .. last - 1 those that were kept, whatever else is made."""
        found, thinned = self._made(first, last), self.population.thinned
        if thinned is None:
            return found
        stays_N = found.labels_NT[:, self.tasks.index(thinned)] == 1
        kernel.stay(first, key(self.seed, "kept", thinned), self.population.tasks[thinned].kept, stays_N)
        found = found.take(stays_N)
        return replace(found, truth_NT=kept_truth(self.population, found.truth_NT))

    def _made(self, first: int, last: int) -> Rows:
        """Every row."""
        if not 0 <= first < last <= self.population.rows:
            raise UserError(f"rows {first} to {last} are not a slice of the {self.population.rows:,} rows there are")
        n, width, tasks = last - first, len(self.population.fields), len(self.tasks)
        id_NF, index_NF = np.empty((n, width), np.uint64), np.empty((n, width), np.int64)
        label_NT, truth_NT = np.empty((n, tasks), np.uint8), np.empty((n, tasks), np.float32)
        delay_NT, time_N = np.empty((n, tasks), np.int32), np.empty(n, np.int64)
        number_NP = np.empty((n, len(self.kinds.numbers)), np.float32)
        length_NG = np.empty((n, len(self.kinds.lists)), np.int64)
        listed_NW = np.zeros((n, sum(each.longest for each in self.kinds.lists)), np.uint64)
        kernel.make_rows(
            first, self.compiled, self.intercepts, time_N, index_NF, id_NF, number_NP, length_NG, listed_NW,
            label_NT, truth_NT, delay_NT,
        )  # fmt: skip
        ids_NF, index_NF = id_NF.view(np.int64)[:, self._shown], index_NF[:, self._shown]
        lists = length_NG, listed_NW.view(np.int64)
        return Rows(ids_NF, index_NF, label_NT, truth_NT, delay_NT, time_N, number_NP, *lists)

    def split(self, rows: Rows) -> Split:
        """As examples to train on, grouped by the ids of one field if the population says so."""
        return Split(
            ids_NF=rows.ids_NF,
            labels_NT=rows.labels_NT,
            group_N=None if self.group is None else rows.ids_NF[:, self.group],
            time_N=rows.time_N,
            truth_NT=rows.truth_NT,
            numbers_NP=rows.numbers_NP if self.kinds.numbers else None,
            lists=tuple(self.lists(rows)),
        )

    def lists(self, rows: Rows) -> Iterator[Lists]:
        """Each list, and then each sequence."""
        at = 0
        for g, each in enumerate(self.kinds.lists):
            length_N = rows.length_NG[:, g]
            values_NJ = rows.listed_NW[:, at : at + each.longest]
            yield Lists(values_NJ[np.arange(each.longest) < length_N[:, None]], length_N)
            at += each.longest

    def chunks(self, first: int, last: int, *, workers: int = CORES, size: int = CHUNK) -> Iterator[Rows]:
        """The same rows in order, in pieces, made by so many threads; only a few pieces exist at a time."""
        assert self.intercepts.size

        def made(at: int) -> Rows:
            return self.rows(at, min(at + size, last))

        yield from mapped(made, range(first, last, size), workers + 1, workers)

    def time_of(self, row: int) -> int:
        """Seconds at which a row stands."""
        return int(self._made(row, row + 1).time_N[0])


def sampler_seed(rng: np.random.Generator) -> int:
    """A seed from the stream that a data set is built with."""
    return int(rng.integers(2**63))


def calibrate(logit_M: Floats, above_M: Floats, rate: float) -> float:
    """The intercept at which the mean of above * sigmoid(logit + intercept) is `rate`: Newton's method, bracketed.

    above_M: the probability of the task above, whose mean is more than the rate.
    """
    low, high = -80.0 - float(np.abs(logit_M).max()), 80.0 + float(np.abs(logit_M).max())
    at = float(np.log(rate / (above_M.mean() - rate)))
    for _ in range(200):
        mean, slope = kernel.mean_and_slope(logit_M, above_M, at)
        if abs(mean / rate - 1) < 1e-12:
            break
        low, high = (at, high) if mean < rate else (low, at)
        step = at - (mean - rate) / slope if slope > 0 else low
        at = step if low < step < high else (low + high) / 2
    return at
