"""Curves over epochs and means over runs, read from records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.results.keys import MetricKey
from harness.results.records import Record, Run

Position = Callable[[Record], Any]
"""Where a record stands on the axis of a curve."""


def tasks(records: Sequence[Record]) -> list[str]:
    """The tasks with a known label on the validation split or its sample, in the order of the data set."""
    last = records[-1].metrics if records else {}
    known = (k.task for k in last if k.metric == "logloss" and k.split in ("sample", "valid") and not k.bucket)
    return list(dict.fromkeys(known))


def ends(records: Sequence[Record], metric: str, task: str) -> dict[int, float]:
    """Epoch -> valid/<metric>/<task> at its end."""
    key = MetricKey("valid", metric, task)
    return {r.epoch: r.metrics[key] for r in records if r.boundary and key in r.metrics}


def boundary_jump(records: Sequence[Record], spec: Mapping[str, Any], task: str) -> float | None:
    """Nats by which the logloss of the subsample rises from the end of epoch 1 to the first evaluation of epoch 2.

    spec: of the run. None: one of them is not there, or they are of different models, as in a continual run begun warm,
    which has a pass over all windows for every number of epochs.
    """
    key, continual = MetricKey("sample", "logloss", task), spec.get("train", {}).get("continual")
    before = [r.metrics[key] for r in records if r.epoch == 1 and r.boundary and key in r.metrics]
    after = [r.metrics[key] for r in records if r.epoch == 2 and key in r.metrics]
    if not before or not after or (continual is not None and continual["start"] == "warm"):
        return None
    return after[0] - before[0]


def mean(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each name over the mappings that have it."""
    names = dict.fromkeys(name for each in values for name in each)
    return {name: _mean(each[name] for each in values if name in each) for name in names}


def mean_curve(runs: Sequence[Run], key: MetricKey, at: Position) -> dict[Any, float]:
    """The mean over runs of one metric, at every place where some run has it."""
    seen: dict[Any, list[float]] = {}
    for record in (r for run in runs for r in run.records if key in r.metrics):
        seen.setdefault(at(record), []).append(record.metrics[key])
    return {place: _mean(values) for place, values in seen.items()}


def by_place(runs: Sequence[Run], key: MetricKey) -> list[list[Record]]:
    """The records of a metric that belong together, one of each run that has the place.

    Runs on data or at batch sizes of their own have other numbers of batches, and evaluate at steps and positions a
    little apart. So the first evaluation of an epoch goes with the first, of runs that have as many in it.
    """
    found: dict[tuple[int, int, int], list[Record]] = {}
    for run in runs:
        recorded = [record for record in run.records if key in record.metrics]
        for epoch, records in groupby(recorded, lambda record: record.epoch):
            listed = list(records)
            for place, record in enumerate(listed):
                found.setdefault((epoch, len(listed), place), []).append(record)
    return list(found.values())


def mean_costs(runs: Sequence[Run]) -> dict[int, dict[str, float]]:
    """Epoch -> mean over runs of what it cost."""
    costs: dict[int, list[dict[str, float]]] = {}
    for record in (r for run in runs for r in run.boundaries if r.cost):
        costs.setdefault(record.epoch, []).append(record.cost)
    return {epoch: mean(several) for epoch, several in costs.items()}


def seconds(cost: Mapping[str, float]) -> float:
    """Wall time of an epoch, as far as it is known."""
    return sum(cost.get(name, 0.0) for name in ("train_s", "eval_s"))


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
