"""Pure functions from records to what the tracker shows: metric points, one-line summaries, mean curves, a figure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.records import Arm, Outcome, Record, Run

Point = tuple[str, float, int]
"""Name, value, step."""

CURVES = ("auc", "logloss")


class ArmSummary:
    """An arm in numbers.

    done: its finished runs, cut to what the arm is read at. values: means over them. gains: by key, the summary of
    each run that has a baseline of its seed. keys: of all runs and trials. digest: of all that the curves depend on.
    """

    def __init__(self, arm: Arm, runs: Sequence[Run], baseline: Sequence[Run] = ()) -> None:
        last = 1 if arm.role == "one_epoch" else None
        self.done = [_until(run, last) for run in runs if run.status == "finished"]
        first = {run.spec["seed"]: first_epoch(run.records) for run in baseline if run.status == "finished"}
        each = {run.key: summarise(run.records, first.get(run.spec["seed"])) for run in self.done}
        self.gains = {run.key: each[run.key] for run in self.done if run.spec["seed"] in first}
        counts = {"seeds": float(len(self.done)), "seeds_failed": float(len(arm.runs) - len(self.done))}
        self.values = mean(list(each.values())) | counts
        self.keys = {*arm.runs.values(), *(trial.key for trial in arm.trials)}
        self.digest = digest([sorted(self.keys), sorted((run.key, run.status) for run in runs)])


def members(outcome: Outcome) -> Iterator[tuple[str, str, str, int, dict[str, Any]]]:
    """Key, arm, role, number and searched values of every run of a plan, trials first; a run may be of two arms."""
    for arm in outcome.arms:
        for trial in arm.trials:
            yield trial.key, arm.id, "trial", trial.number, trial.params
        for seed, key in arm.runs.items():
            yield key, arm.id, "seed", seed, arm.chosen


def points(record: Record) -> list[Point]:
    """All metrics of a record: `sample/...` at its optimiser step, everything else at its epoch."""
    out = [
        (metric_name(k), v, record.step if k.startswith("sample/") else record.epoch) for k, v in record.metrics.items()
    ]
    return out + [(f"cost/{name}", value, record.epoch) for name, value in record.cost.items()]


def metric_name(name: str) -> str:
    """The name as MLflow accepts it: `valid@2-4/auc/click` becomes `valid_by_frequency/auc_click/2-4`.

    The UI makes a section of everything before the last slash, so the buckets of one metric stand side by side.
    """
    split, _, rest = name.partition("/")
    split, _, bucket = split.partition("@")
    name = f"{split}_by_frequency/{rest.replace('/', '_')}/{bucket}" if bucket else name
    return re.sub(r"[^\w\-. /]", "_", name)


def summarise(records: Sequence[Record], first_epoch: Mapping[str, float] | None = None) -> dict[str, float]:
    """Per task: peak, last and drop of the AUC on valid, the epoch of the peak (the earlier one wins a tie).

    first_epoch: task -> AUC of the one-epoch baseline; with it also the multi-epoch gain, peak minus baseline.
    """
    out: dict[str, float] = {}
    for name, curve in _curves(records, "auc").items():
        task = metric_name(name.split("/", 2)[2])
        epoch = max(curve, key=lambda e: (curve[e], -e))
        peak, last = curve[epoch], curve[max(curve)]
        out |= {f"peak_auc_{task}": peak, f"last_auc_{task}": last, f"drop_auc_{task}": peak - last}
        out[f"peak_epoch_{task}"] = float(epoch)
        if first_epoch and task in first_epoch:
            out[f"multi_epoch_gain_{task}"] = peak - first_epoch[task]
    return out


def first_epoch(records: Sequence[Record]) -> dict[str, float]:
    """Task -> AUC on valid at the end of epoch 1."""
    curves = _curves(records, "auc").items()
    return {metric_name(name.split("/", 2)[2]): curve[1] for name, curve in curves if 1 in curve}


def mean(summaries: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each value over the summaries that have it."""
    names = dict.fromkeys(name for s in summaries for name in s)
    return {name: _mean(s[name] for s in summaries if name in s) for name in names}


def mean_curves(runs: Sequence[Run]) -> list[Point]:
    """Mean over runs of AUC and logloss on valid, by task and epoch."""
    out = []
    for metric in CURVES:
        curves = [_curves(run.records, metric) for run in runs]
        for name in dict.fromkeys(name for c in curves for name in c):
            epochs = sorted({epoch for c in curves for epoch in c.get(name, {})})
            out += [(metric_name(name), _mean(c[name][e] for c in curves if e in c.get(name, {})), e) for e in epochs]
    return out


def figure(title: str, runs: Sequence[Run]) -> Figure:
    """AUC and logloss on valid against the epoch, a column per task; thin lines are seeds, the thick one their mean."""
    means: dict[str, dict[int, float]] = {}
    for name, value, epoch in mean_curves(runs):
        means.setdefault(name, {})[epoch] = value
    tasks = list(dict.fromkeys(name.split("/", 2)[2] for name in means))
    drawing = Figure(figsize=(1 + 3.5 * max(len(tasks), 1), 5.5), layout="constrained")
    drawing.suptitle(title)
    if not tasks:
        return drawing
    grid = drawing.subplots(len(CURVES), len(tasks), sharex=True, squeeze=False)
    for metric, row in zip(CURVES, grid, strict=True):
        seeds = [{metric_name(k): v for k, v in _curves(run.records, metric).items()} for run in runs]
        for task, axes in zip(tasks, row, strict=True):
            name = f"valid/{metric}/{task}"
            for curve in [s[name] for s in seeds if name in s]:
                axes.plot(list(curve), list(curve.values()), color="tab:blue", alpha=0.35, linewidth=1)
            mean_curve = means.get(name, {})
            axes.plot(list(mean_curve), list(mean_curve.values()), color="tab:blue", linewidth=2.2, marker="o")
            axes.set(ylabel=f"{metric}, valid", title=task if metric == CURVES[0] else "")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    return drawing


def scalars(values: Mapping[str, float]) -> list[Point]:
    """Values without a course over time."""
    return [(name, value, 0) for name, value in values.items()]


def digest(value: Any) -> str:
    """16 hexadecimal digits that change whenever a JSON value does."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _until(run: Run, last: int | None) -> Run:
    kept = tuple(r for r in run.records if last is None or r.epoch <= last)
    return dataclasses.replace(run, records=kept)


def _curves(records: Sequence[Record], metric: str) -> dict[str, dict[int, float]]:
    """valid/<metric>/<task> -> epoch -> value at the end of the epoch."""
    out: dict[str, dict[int, float]] = {}
    for record in records:
        if record.boundary:
            for name, value in record.metrics.items():
                if name.startswith(f"valid/{metric}/"):
                    out.setdefault(name, {})[record.epoch] = value
    return out


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
