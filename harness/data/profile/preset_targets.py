"""Does a preset produce what it promises? Every statistic with a target beside the one produced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.base import seeds
from harness.data import indexed
from harness.data.profile.statistics import Profile, profile
from harness.data.profile.zipf_fit import exponent_of_ranks
from harness.data.synthetic.fields import FieldSpec
from harness.data.synthetic.population import Population
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import CALIBRATION, Sampler
from harness.plugins.registry import Registry, build

NAMES = {
    "singletons": "seen once",
    "twice": "N(>=2) / N(>=1)",
    "ten": "N(>=10) / N(>=2)",
    "top_1": "share of the top 1 %",
    "top_10": "share of the top 10 %",
}
"""Fields of `Frequencies`, as the table calls them."""
WIDE = 3.29
"""Half-width of an interval in standard errors: 99.9 %, as so many are looked at together."""
LITERATURE = 0.03
"""How near a published share must be met: published figures have two digits."""


@dataclass(frozen=True)
class Line:
    """One statistic. target: None where there is nothing to compare with. within: how far off it may be.

    above: instead, what it must exceed.
    """

    name: str
    target: float | None
    produced: float
    within: float | None = None
    above: float | None = None

    @property
    def met(self) -> bool | None:
        if self.above is not None:
            return bool(self.produced > self.above)
        if self.target is None or self.within is None:
            return None
        return bool(abs(self.produced - self.target) <= self.within)


@dataclass(frozen=True)
class Produced:
    """A preset's rows, reduced: counts of ranks by field, sums by task, delays, and the profile of its data."""

    population: Population
    rank_F: dict[str, npt.NDArray[np.int64]]
    label_T: npt.NDArray[np.int64]
    truth_T: npt.NDArray[np.float64]
    delays: dict[str, npt.NDArray[np.int32]]
    profile: Profile


def produce(preset: str, folder: Path) -> Produced:
    """Build a preset's data, all rows kept, in a folder and read off what its targets are about."""
    population = load_population(preset).complete()
    every = {name: {"kept": 1.0} for name in population.tasks}
    dataset = build(Registry().datasets, "data set", "powerlaw", {"preset": preset, "tasks": every})
    indexed.save(dataset.stream(seeds.generator(0, "data", "powerlaw")), folder / preset, preset)
    sampler = Sampler.drawn(population, 0)
    drawn = {name: population.fields[name] for name in sampler.fields if by_law(population.fields[name])}
    ranks = {name: np.zeros(field.ids, np.int64) for name, field in drawn.items()}
    label_T, truth_T = np.zeros(len(sampler.tasks), np.int64), np.zeros(len(sampler.tasks))
    delays: dict[str, list[npt.NDArray[np.int32]]] = {n: [] for n, t in population.tasks.items() if t.delay}
    for rows in sampler.chunks(0, population.rows):
        for name, count_R in ranks.items():
            rank_N = rows.index_NF[:, sampler.fields.index(name)] % len(count_R)
            count_R += np.bincount(rank_N, minlength=len(count_R))
        label_T += rows.labels_NT.sum(axis=0, dtype=np.int64)
        truth_T += rows.truth_NT.sum(axis=0, dtype=np.float64)
        for name, found in delays.items():
            delay_N = rows.delay_NT[:, sampler.tasks.index(name)]
            found.append(delay_N[delay_N >= 0])
    return Produced(
        population=population,
        rank_F=ranks,
        label_T=label_T,
        truth_T=truth_T / population.rows,
        delays={name: np.concatenate(found) for name, found in delays.items()},
        profile=profile(indexed.load(folder / preset)),
    )


def by_law(field: FieldSpec) -> bool:
    """Whether each row draws its id, and from the law alone."""
    return field.free and not field.session and not field.once and field.candidates == 1


def lines(found: Produced) -> Iterator[Line]:
    """Every statistic of a preset, in the order of the table."""
    yield from _tasks(found)
    yield from _delays(found)
    yield from _fields(found)
    pooled = found.profile.everything
    published = found.population.target.get("all", {})
    for share, name in NAMES.items():
        if share in published:
            yield Line(f"all ids (published), {name}", published[share], getattr(pooled, share), LITERATURE)
        else:
            yield Line(f"all ids, {name}", None, getattr(pooled, share))
    yield Line("test rows with an id unseen in training", None, found.profile.rarest_unseen)
    yield Line("test rows whose rarest id was seen once", None, found.profile.rarest_once)


def _tasks(found: Produced) -> Iterator[Line]:
    p, rows = found.population, found.population.rows
    sampled = rows > CALIBRATION
    for t, (name, task) in enumerate(p.tasks.items()):
        spread = np.sqrt(task.rate * (1 - task.rate))
        exact = WIDE * spread / np.sqrt(CALIBRATION) if sampled else 1e-6 * task.rate
        yield Line(f"{name}, mean truth of all rows", task.rate, found.truth_T[t], exact)
        yield Line(f"{name}, rate of labels", task.rate, found.label_T[t] / rows, exact + WIDE * spread / np.sqrt(rows))
        if task.under is not None:
            above, ratio = found.label_T[list(p.tasks).index(task.under)], task.rate / p.tasks[task.under].rate
            error = np.sqrt(ratio * (1 - ratio) / above) * (2 if sampled else 1)
            yield Line(f"{name} per {task.under}", ratio, found.label_T[t] / above, WIDE * error)
    for entry in found.profile.tasks:
        assert entry.auc is not None
        assert entry.logloss is not None
        yield Line(f"{entry.name}, oracle AUC on test", None, entry.auc.value, entry.auc.error)
        yield Line(f"{entry.name}, oracle logloss on test", None, entry.logloss.value, entry.logloss.error)


def _delays(found: Produced) -> Iterator[Line]:
    for name, delay_N in found.delays.items():
        for hours, share in found.population.tasks[name].delay or []:
            error = np.sqrt(share * (1 - share) / len(delay_N))
            yield Line(
                f"{name}, delays within {hours:g} h", share, float((delay_N < hours * 3600).mean()), WIDE * error
            )


def _fields(found: Produced) -> Iterator[Line]:
    train = found.population.edges()[0]
    for entry in found.profile.fields:
        if entry.name in found.population.numbers:
            continue
        name, field = entry.name, found.population.fields[entry.name]
        published = found.population.target.get(name, {})
        expected = expected_shares(field, train) if by_law(field) and not field.life else {}
        if name in found.rank_F and field.exponent > 0:
            law = exponent_of_ranks(found.rank_F[name], field.shift)
            yield Line(
                f"{name}, exponent by rank", field.exponent, law.exponent, (law.high - law.low) / 2 * WIDE / 1.96
            )
        if expected and field.ids >= 30 and entry.law is not None:
            fitted = (entry.law.high - entry.law.low) / 2 * WIDE / 1.96
            yield Line(f"{name}, exponent by counts alone", field.exponent, entry.law.exponent, fitted)
        if field.time is not None or entry.frequencies.ids < 30:
            continue
        for share, title in NAMES.items():
            value = getattr(entry.frequencies, share)
            if share in published:
                yield Line(f"{name} (published), {title}", published[share], value, LITERATURE)
            else:
                target, error = expected.get(share, (None, None))
                yield Line(f"{name}, {title}", target, value, error)
        target, error = expected.get("unseen", (None, None))
        yield Line(f"{name}, unseen in test", target, entry.unseen, error)


def expected_shares(field: FieldSpec, rows: int) -> dict[str, tuple[float, float]]:
    """Expectation of each share after so many rows, and how far off it may be; counts of ids as Poisson.

    Of the top shares, which sort by what was drawn, nothing is expected in closed form.
    """
    p_R = (np.arange(1, field.ids + 1) + field.shift) ** -field.exponent
    rate_R = rows * p_R / p_R.sum()
    below, term = np.exp(-rate_R), np.exp(-rate_R)
    at_least: dict[int, tuple[float, float]] = {}
    for k in range(1, 11):
        if k in (1, 2, 10):
            at_least[k] = float((1 - below).sum()), float((below * (1 - below)).sum())
        term = term * rate_R / k
        below = np.minimum(below + term, 1.0)

    def ratio(upper: int, lower: int) -> tuple[float, float]:
        (a, var_a), (b, var_b) = at_least[upper], at_least[lower]
        return a / b, WIDE * float(np.sqrt(var_a + (a / b) ** 2 * var_b)) / b + 1e-9

    twice, ten = ratio(2, 1), ratio(10, 2)
    miss = np.exp(-rate_R)
    unseen = float((p_R / p_R.sum()) @ miss)
    spread = float((rate_R / rows) ** 2 @ (miss * (1 - miss))) + unseen / (rows / 8)
    return {
        "singletons": (1 - twice[0], twice[1]),
        "twice": twice,
        "ten": ten,
        "unseen": (unseen, WIDE * float(np.sqrt(spread)) + 1e-9),
    }
