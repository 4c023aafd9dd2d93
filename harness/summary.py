"""Pure functions from records to what the tracker shows: metric points, one-line summaries, mean curves."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.outcome import Arm, Outcome
from harness.records import Record, Run

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


@dataclass(frozen=True)
class Member:
    """A run's part in a plan. arm: as Arm.id; role: seed or trial; number: which; params: the searched values.

    page: of a trial, where Optuna's dashboard shows it.
    """

    key: str
    arm: str
    role: str
    number: int
    params: dict[str, Any]
    page: str = ""


def members(outcome: Outcome) -> Iterator[Member]:
    """Every run of a plan, trials first; a run may be of two arms."""
    for arm in outcome.arms:
        for trial in arm.trials:
            yield Member(trial.key, arm.id, "trial", trial.number, trial.params, trial.page)
        for seed, key in arm.runs.items():
            yield Member(key, arm.id, "seed", seed, arm.chosen)


def points(record: Record) -> list[Point]:
    """All metrics of a record: `sample/...` at its optimiser step, everything else at its epoch."""
    out = [
        (metric_name(k), v, record.step if k.startswith("sample/") else record.epoch) for k, v in record.metrics.items()
    ]
    return out + cost_points(record.cost, record.epoch)


def cost_points(cost: Mapping[str, float], epoch: int) -> list[Point]:
    """Costs under `system/`, which the UI keeps apart from what a model is worth."""
    return [(f"system/{name}", value, epoch) for name, value in cost.items()]


def metric_name(name: str) -> str:
    """The name as MLflow accepts it: `valid@2-4/auc/click` becomes `valid_by_frequency/auc_click/2-4`.

    The UI makes a section of everything before the last slash, so the buckets of one metric stand side by side.
    """
    split, _, rest = name.partition("/")
    split, _, bucket = split.partition("@")
    name = f"{split}_by_frequency/{rest.replace('/', '_')}/{bucket}" if bucket else name
    return re.sub(r"[^\w\-. /]", "_", name)


def summarise(records: Sequence[Record], baseline: Mapping[str, float] | None = None) -> dict[str, float]:
    """By task: peak, last and drop of the AUC on valid, the epoch of the peak (the earlier one wins a tie), and the
    boundary jump of the logloss.

    baseline: task -> AUC on valid of the one-epoch baseline; with it also the multi-epoch gain, peak minus baseline.
    """
    out: dict[str, float] = {}
    for task, auc in _tasks(records, "auc").items():
        shown, epoch = metric_name(task), max(auc, key=lambda e: (auc[e], -e))
        peak, last = auc[epoch], auc[max(auc)]
        values = {"auc_peak": peak, "auc_peak_epoch": float(epoch), "auc_last": last, "auc_drop": peak - last}
        if baseline and task in baseline:
            values["auc_gain"] = peak - baseline[task]
        out |= {f"valid/{name}/{shown}": value for name, value in values.items()}
        if (jump := boundary_jump(records, task)) is not None:
            out[f"sample/logloss_boundary_jump/{shown}"] = jump
    return out


def first_epoch(records: Sequence[Record]) -> dict[str, float]:
    """Task -> AUC on valid at the end of epoch 1."""
    return {task: auc[1] for task, auc in _tasks(records, "auc").items() if 1 in auc}


def curve(records: Sequence[Record], metric: str, task: str) -> dict[int, float]:
    """Epoch -> valid/<metric>/<task> at its end."""
    return _tasks(records, metric).get(task, {})


def boundary_jump(records: Sequence[Record], task: str) -> float | None:
    """Nats by which the logloss of the subsample rises from the end of epoch 1 to the first evaluation of epoch 2."""
    name = f"sample/logloss/{task}"
    ends = [r.metrics[name] for r in records if r.epoch == 1 and r.boundary and name in r.metrics]
    starts = [r.metrics[name] for r in records if r.epoch == 2 and name in r.metrics]
    return starts[0] - ends[0] if ends and starts else None


def mean(summaries: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each value over the summaries that have it."""
    names = dict.fromkeys(name for s in summaries for name in s)
    return {name: _mean(s[name] for s in summaries if name in s) for name in names}


def mean_curves(runs: Sequence[Run]) -> list[Point]:
    """Mean over runs of AUC and logloss, by task: on valid by epoch, on the subsample by step."""
    seen: dict[tuple[str, int], list[float]] = {}
    for record in (r for run in runs for r in run.records):
        for name, value in record.metrics.items():
            if name.startswith(tuple(f"{split}/{metric}/" for split in ("valid", "sample") for metric in CURVES)):
                point = metric_name(name), record.step if name.startswith("sample/") else record.epoch
                seen.setdefault(point, []).append(value)
    return [(name, _mean(values), at) for (name, at), values in seen.items()]


def mean_costs(runs: Sequence[Run]) -> dict[int, dict[str, float]]:
    """Epoch -> mean over runs of what it cost."""
    costs: dict[int, list[dict[str, float]]] = {}
    for record in (r for run in runs for r in run.boundaries if r.cost):
        costs.setdefault(record.epoch, []).append(record.cost)
    return {epoch: mean(several) for epoch, several in costs.items()}


def seconds(cost: Mapping[str, float]) -> float:
    """Wall time of an epoch, as far as it is known."""
    return sum(cost.get(name, 0.0) for name in ("train_s", "eval_s"))


def scalars(values: Mapping[str, float]) -> list[Point]:
    """Values without a course over time."""
    return [(name, value, 0) for name, value in values.items()]


def digest(value: Any) -> str:
    """16 hexadecimal digits that change whenever a JSON value does."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _until(run: Run, last: int | None) -> Run:
    kept = tuple(r for r in run.records if last is None or r.epoch <= last)
    return dataclasses.replace(run, records=kept)


def _tasks(records: Sequence[Record], metric: str) -> dict[str, dict[int, float]]:
    """Task -> epoch -> valid/<metric>/<task> at the end of the epoch."""
    out: dict[str, dict[int, float]] = {}
    for record in records:
        if record.boundary:
            for name, value in record.metrics.items():
                if name.startswith(f"valid/{metric}/"):
                    out.setdefault(name.split("/", 2)[2], {})[record.epoch] = value
    return out


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
