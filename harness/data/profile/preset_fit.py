"""The generator's knobs from the statistics of a user's data: a preset that looks like it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tomli_w
from scipy.optimize import minimize

from harness.api import UserError
from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.sessions import Sessions
from harness.data.profile.statistics import FieldProfile, Profile
from harness.data.profile.zipf_fit import FEW, Frequencies, descending, exponent_of_ranks, frequencies
from harness.data.synthetic.fields import MOST_EXPONENT
from harness.data.synthetic.population import LATENT, Population
from harness.data.synthetic.sampler import Sampler
from harness.data.validation import SPLITS

DAY = 86_400
SIMULATED = 1_000_000
"""Most training rows on which a law with turnover is tried; shares of rare ids depend on their number."""
OF_IDS = 0.1
"""What the square of a ratio's logarithm, of the number of ids, weighs beside those of shares."""
LEAST_SHIFT = 0.01
SHARES = ("singletons", "ten", "top_1", "top_10")


def span(data: IndexedDataset) -> float:
    """Days from the first row to the last; ten where rows have no time."""
    times = [split.time_N for part in SPLITS if (split := data.split(part)).time_N is not None]
    if not times:
        return 10.0
    return max(1.0, (max(int(t.max()) for t in times) - min(int(t.min()) for t in times)) / DAY)


def matched(
    data: IndexedDataset,
    wanted: Profile,
    fields: dict[str, dict[str, Any]],
    visits: Sessions | None,
    description: str,
) -> dict[str, Any]:
    """The population as plain values, tasks with their rates alone: `match_labels` has the parts of their logits.

    fields: those with more ids before those that follow them. visits: sessions, if rows come in such.
    """
    thinned, weight_N = _full_log(data)
    rows = sum(wanted.rows.values())
    largest = sorted((name for name in fields if "cross" not in fields[name]), key=lambda name: _told(fields[name]))
    if len(largest) < 2:
        raise UserError(f"{len(fields)} fields have more than one id; accepted: two or more, for users to meet items")
    if visits is not None:
        largest.sort(key=lambda name: name != visits.by)
    return {
        "description": description,
        "rows": round(rows * float(weight_N.mean())),
        "days": math.ceil(span(data)),
        "valid": wanted.rows["valid"] / rows,
        "test": wanted.rows["test"] / rows,
        **({} if visits is None else visits.knobs()),
        "match": [largest[:1], largest[1:2]],
        **({"latent": len(data.tasks) + 1} if len(data.tasks) >= LATENT else {}),
        "group": largest[0],
        "fields": fields,
        "tasks": _tasks(data, weight_N, thinned),
    }


def _told(field: dict[str, Any]) -> tuple[bool, bool]:
    """Whether a field says less than another does, or is one of few ids: no side for a match, if there are others."""
    return "of" in field and "choices" not in field, "context" in field


def _full_log(data: IndexedDataset) -> tuple[dict[str, float], npt.NDArray[np.float32]]:
    """The share of negatives that was kept, by task: of one, if the data say so. And how many rows of the full log each
    row of training stands for."""
    said = {name: kept for name, kept in data.kept.items() if kept.label == 0}
    if len(said) != 1 or len(data.kept) != 1:
        return {}, np.ones(len(data.train), np.float32)
    (name, kept), *_ = said.items()
    return {name: kept.share}, kept.stands_for(np.asarray(data.train.labels_NT[:, data.tasks.index(name)]))


def _tasks(
    data: IndexedDataset, weight_N: npt.NDArray[np.float32], thinned: dict[str, float]
) -> dict[str, dict[str, Any]]:
    """Tasks by falling rate; each under the rarest task that has happened wherever it has."""
    labels = {name: np.asarray(data.train.labels_NT[:, t]) for t, name in enumerate(data.tasks)}
    known = {name: data.train.known(t) for t, name in enumerate(data.tasks)}
    rates = {
        name: float(np.average(label_N[known[name]], weights=weight_N[known[name]])) for name, label_N in labels.items()
    }
    order = sorted(rates, key=lambda name: -rates[name])
    out: dict[str, dict[str, Any]] = {}
    for name in order:
        above = [other for other in out if rates[other] > rates[name] and (labels[name] <= labels[other]).all()]
        out[name] = {"rate": rates[name]} | ({"under": above[-1]} if above else {})
        out[name] |= {"kept": thinned[name]} if name in thinned else {}
    return out


def match_field(
    field: FieldProfile, count_V: npt.NDArray[np.int64], days: float, rows: dict[str, int], *, follows: bool
) -> dict[str, Any] | None:
    """Knobs of the law of one field; None if it has one id alone. follows: another field, which turns over for it."""
    if field.frequencies.ids < 2:
        return None
    law = field.law or exponent_of_ranks(descending(count_V))
    if field.frequencies.ids < FEW:
        return {"ids": field.frequencies.ids, "exponent": min(max(law.exponent, 0.0), MOST_EXPONENT), "context": True}
    start = _Knobs(law.exponent, math.log(law.ids), math.log(max(law.shift, LEAST_SHIFT)), math.log(100 * days))
    trial = _Trial(field.frequencies, field.unseen, days, rows)
    if follows or trial.produced(start)[1] > field.unseen / 1.5:
        return start.values(life=False)
    starts = [_Knobs(start.exponent, start.log_ids, start.log_shift, math.log(days / n)) for n in (2, 8)]
    tried = (minimize(trial, s.vector(), method="Nelder-Mead", options={"maxfev": 80}) for s in starts)
    return _Knobs(*min(tried, key=lambda found: found.fun).x).values(life=True)


@dataclass(frozen=True)
class _Knobs:
    exponent: float
    log_ids: float
    log_shift: float
    log_life: float

    def vector(self) -> list[float]:
        return [self.exponent, self.log_ids, self.log_shift, self.log_life]

    def values(self, *, life: bool) -> dict[str, Any]:
        clip = {"ids": max(2, round(math.exp(min(self.log_ids, 25)))), "shift": math.exp(min(self.log_shift, 18))}
        clip |= {"exponent": min(max(self.exponent, 0.0), MOST_EXPONENT)}
        return clip | ({"life": math.exp(min(max(self.log_life, -3), 11))} if life else {})


class _Trial:
    """How far the shares of a field with these knobs are from those wanted; always the same draws, so it is smooth."""

    def __init__(self, wanted: Frequencies, unseen: float, days: float, rows: dict[str, int]) -> None:
        self._wanted, self._ids = arcs([*(getattr(wanted, s) for s in SHARES), unseen]), wanted.ids
        self._days = math.ceil(days)
        self._scale = max(1.0, rows["train"] / SIMULATED)
        self._rows = {part: max(1, round(n / self._scale)) for part, n in rows.items()}

    def __call__(self, knobs: npt.NDArray[np.float64]) -> float:
        shares, unseen = self.produced(_Knobs(*knobs))
        found = arcs([*(getattr(shares, s) for s in SHARES), unseen])
        ids = math.log(shares.ids / self._ids) if self._scale == 1 else 0.0
        return float(np.square(found - self._wanted).sum()) + OF_IDS * ids**2

    def produced(self, knobs: _Knobs) -> tuple[Frequencies, float]:
        train, total = self._rows["train"], sum(self._rows.values())
        ids_N = drawn_ids({"x": knobs.values(life=True)}, total, {"days": self._days})[:total]
        ids_U, count_U = np.unique(ids_N[:train], return_counts=True)
        test_N = ids_N[train + self._rows["valid"] :]
        at = np.minimum(np.searchsorted(ids_U, test_N), len(ids_U) - 1)
        return frequencies(count_U), float((ids_U[at] != test_N).mean())


def drawn_ids(fields: dict[str, Any], rows: int, whole: dict[str, Any]) -> npt.NDArray[np.int64]:
    """The ids of the last of these fields in so many rows, a hundred at least. whole: the days and sessions of rows."""
    values = whole | {"rows": max(rows, 100), "fields": fields, "tasks": {"t": {"rate": 0.5}}}
    sampler = Sampler(Population.model_validate(values), 0)
    sampler.intercepts = np.zeros(1)
    return np.concatenate([piece.ids_NF[:, -1] for piece in sampler.chunks(0, sampler.population.rows)])


def arcs(shares: Iterable[float]) -> npt.NDArray[np.float64]:
    """Shares on a scale on which the same distance is as hard to see anywhere."""
    return np.arcsin(np.sqrt(np.fromiter(shares, np.float64)))


def to_toml(population: dict[str, Any]) -> str:
    """A population as TOML, its numbers to six significant digits."""
    return tomli_w.dumps(_rounded(population))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
