"""The logit of a preset from the labels of a log: how much each field's ids carry, so that labels of one id go together
as much as they do there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.intraclass import intraclass, last_rows, of_known
from harness.data.profile.sessions import session_codes
from harness.data.profile.statistics import Profile
from harness.data.synthetic.population import TABLES, Population
from harness.data.synthetic.sampler import Sampler

SIMULATED = 400_000
"""Most rows on which parts of the logit are tried."""
ROUNDS = 12
NEAR = 1.02
"""The factor between wanted and produced from which on all is well."""
MOST_FACTOR = 4.0
"""By which a round changes a variance at most."""
LEAST = 1e-12
"""Correlation below which nothing was produced."""
MOST_DEVIATION = 4.0
"""That a part of the logit may have. Fields that overlap in a log, as how often a pair was seen and the pair, are apart
in the generator, and may ask for more than all of a label between them."""
IN_SESSIONS = 0.1
"""Share of the known labels that must share a session with another, for sessions to be looked at."""
OF_SIDES = Population.model_fields["interaction"].default / Population.model_fields["id_bias"].default
"""The deviation of the match of the two sides, as a share of that of their ids."""

Parts = dict[str, dict[str, float]]
"""By task, of each field: the variance of what its ids add to the logit."""


def match_labels(data: IndexedDataset, profile: Profile, population: dict[str, Any]) -> dict[str, Any]:
    """The population with `id_bias`, `context`, `interaction` and `weights` of each task fitted. profile: of the data.

    Simulated moments: a round multiplies the variance of each field's part by the wanted over the produced correlation
    of the labels of two rows of one id. Fields whose labels do not go with their ids get none. Where rows come in
    sessions whose labels go together, a hidden field of the session carries what no other does. The match of the two
    sides is not told from a log: it keeps its default size beside what they carry.
    """
    population, wanted = _with_sessions(data, profile, population)
    trial = _Trial(population, len(data.train))
    parts = {task: {name: trial.start(task, value) for name, value in each.items()} for task, each in wanted.items()}
    for _ in range(ROUNDS):
        factors = _factors(wanted, trial.produced(parts))
        if all(1 / NEAR < factor < NEAR for each in factors.values() for factor in each.values()):
            break
        for task, each in factors.items():
            for name, factor in each.items():
                parts[task][name] *= factor
            _hold(parts[task])
    return _with_parts(population, parts)


def _factors(wanted: Parts, found: Parts) -> Parts:
    """Wanted over produced, within bounds."""
    return {
        task: {name: _bounded(value / max(found[task][name], LEAST)) for name, value in each.items()}
        for task, each in wanted.items()
    }


def _bounded(factor: float) -> float:
    return min(max(factor, 1 / MOST_FACTOR), MOST_FACTOR)


def _hold(variances: dict[str, float]) -> None:
    """Scale them down where they come to more than a part may have."""
    total = sum(variances.values())
    for name in variances:
        variances[name] *= min(1.0, MOST_DEVIATION**2 / total)


def _with_sessions(
    data: IndexedDataset, profile: Profile, population: dict[str, Any]
) -> tuple[dict[str, Any], Parts]:  # fmt: skip
    """The population, with a hidden field of the session if labels go with it; and what each field is to carry."""
    fields, asked = population["fields"], profile.of_one_id.items()
    wanted = {task: {f: one.value for f, one in each.items() if f in fields and one.told} for task, each in asked}
    sessions = _of_sessions(data) if "repeat" in population else {}
    if sessions:
        name = _free_name(population)
        population = population | {"fields": fields | {name: {"time": "session", "hidden": True}}}
        for task, value in sessions.items():
            wanted[task][name] = value
    return population, wanted


def _of_sessions(data: IndexedDataset) -> dict[str, float]:
    """How the labels of two rows of a session correlate, by task; of those that do, and are known in enough of them."""
    split = last_rows(data)
    code_M, found = session_codes(split), {}
    for t, task in enumerate(data.tasks):
        code_K = code_M[split.known(t)]
        one = of_known(split, t, code_M)
        if one is not None and one.told and (np.bincount(code_K)[code_K] > 1).mean() >= IN_SESSIONS:
            found[task] = one.value
    return found


def _free_name(population: dict[str, Any]) -> str:
    name = "session"
    while any(name in population.get(table, {}) for table in TABLES):
        name += "_"
    return name


class _Trial:
    """What populations that differ in their logit alone produce; always of the same ids."""

    def __init__(self, population: dict[str, Any], train: int) -> None:
        shown = {name: knobs | {"hidden": False} for name, knobs in population["fields"].items()}
        self._population = population | {"fields": shown}
        self._rows = min(population["rows"], max(train, 10), SIMULATED)
        self._codes: dict[str, npt.NDArray[np.int64]] = {}

    def start(self, task: str, value: float) -> float:
        """The variance in the logit that has about this correlation, were it the only part."""
        rate = float(self._population["tasks"][task]["rate"])
        return value / (rate * (1 - rate))

    def produced(self, parts: Parts) -> Parts:
        """By task, of each field: the correlation of the labels of two rows of one id.

        Of fields of few ids what is to be expected: s^2 (1 - sum of squared shares) (mean slope of the truth)^2, over
        the variance of the label. What their few normals come to differs from seed to seed.
        """
        sampler = Sampler(Population.model_validate(_with_parts(self._population, parts)), 0)
        made = sampler.rows(0, self._rows)
        if not self._codes:
            each = enumerate(sampler.fields)
            self._codes = {name: np.unique(made.ids_NF[:, f], return_inverse=True)[1] for f, name in each}
        found: Parts = {}
        for t, task in enumerate(sampler.tasks):
            truth_N, under = made.truth_NT[:, t].astype(np.float64), sampler.population.tasks[task].under
            above_N = 1.0 if under is None else made.truth_NT[:, sampler.tasks.index(under)].astype(np.float64)
            variance, slope = truth_N.mean() * (1 - truth_N.mean()), (truth_N * (1 - truth_N / above_N)).mean()
            found[task] = {}
            for name in parts[task]:
                if sampler.population.fields[name].context:
                    share_V = np.bincount(self._codes[name]) / self._rows
                    covariance = parts[task][name] * (1 - np.square(share_V).sum()) * slope**2
                else:
                    one = intraclass(self._codes[name], truth_N)
                    covariance = 0.0 if one is None else one.covariance
                found[task][name] = float(covariance / variance)
        return found


def _with_parts(population: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """The population with these variances as knobs of its tasks."""
    tasks = {}
    sides = [name for side in population["match"] for name in side]
    for task, knobs in population["tasks"].items():
        fitted: dict[str, Any] = {"weights": {}}
        for part, context in (("id_bias", False), ("context", True)):
            names = [name for name, f in population["fields"].items() if bool(f.get("context")) == context]
            variance = {name: parts[task].get(name, 0.0) for name in names}
            total = sum(variance.values())
            fitted[part] = math.sqrt(total)
            fitted["weights"] |= {name: float(v / total) if total else 0.0 for name, v in variance.items()}
        beside = math.sqrt(sum(parts[task].get(name, 0.0) for name in sides))
        fitted["interaction"] = OF_SIDES * beside
        tasks[task] = knobs | fitted
    return population | {"tasks": tasks}
