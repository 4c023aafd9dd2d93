"""From records to what MLflow shows: metric points, and an arm in numbers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from harness.metrics import curves
from harness.results.keys import ArmRole, MetricKey, Status
from harness.results.plan_results import Arm
from harness.results.records import Record, Run

Point = tuple[str, float, int]
"""Name, value, step."""
CURVES = ("auc", "logloss")


class ArmSummary:
    """An arm in numbers.

    runs: the arm's seeds. baseline: the runs of its one-epoch baseline, paired by seed.
    """

    done: list[Run]
    """Its finished runs; of a one-epoch arm only their first epoch."""
    values: dict[str, float]
    """Means over these runs."""
    gains: dict[str, dict[str, float]]
    """By key, the summary of each run that has a baseline of its seed."""
    keys: set[str]
    """Of all runs and trials."""
    digest: str
    """Changes with everything that the curves depend on."""

    def __init__(self, arm: Arm, runs: Sequence[Run], baseline: Sequence[Run] = ()) -> None:
        last = 1 if arm.role == ArmRole.ONE_EPOCH else None
        self.done = [_until(run, last) for run in runs if run.status == Status.FINISHED]
        first = {run.spec["seed"]: first_epoch(run.records) for run in baseline if run.status == Status.FINISHED}
        each = {run.key: summarise(run.records, first.get(run.spec["seed"])) for run in self.done}
        self.gains = {run.key: each[run.key] for run in self.done if run.spec["seed"] in first}
        counts = {"seeds": float(len(self.done)), "seeds_failed": float(len(arm.runs) - len(self.done))}
        self.values = curves.mean(list(each.values())) | counts
        self.keys = {*arm.runs.values(), *(trial.key for trial in arm.trials)}
        self.digest = digest([sorted(self.keys), sorted((run.key, run.status) for run in runs)])


def points(record: Record) -> list[Point]:
    """All metrics of a record: `sample/...` at its optimiser step, everything else at its epoch."""
    shown = [(name_of(key), value, _step(key, record)) for key, value in record.metrics.items()]
    return shown + cost_points(record.cost, record.epoch)


def cost_points(cost: Mapping[str, float], epoch: int) -> list[Point]:
    """Costs under `system/`, which the UI keeps apart from what a model is worth."""
    return [(f"system/{name}", value, epoch) for name, value in cost.items()]


def mean_points(runs: Sequence[Run]) -> list[Point]:
    """Mean over runs of AUC and logloss, by task: on valid by epoch, on the subsample by step."""
    records = [record for run in runs for record in run.records]
    keys = dict.fromkeys(key for record in records for key in record.metrics)
    shown = [k for k in keys if k.split in ("valid", "sample") and not k.bucket and k.metric in CURVES]
    means = {key: curves.mean_curve(runs, key, at=partial(_step, key)) for key in shown}
    return [(name_of(key), value, at) for key, mean in means.items() for at, value in mean.items()]


def name_of(key: MetricKey) -> str:
    """The name as MLflow accepts it: `valid@2-4/auc/click` becomes `valid_by_frequency/auc_click/2-4`.

    The UI makes a section of everything before the last slash, so the buckets of one metric stand side by side.
    """
    split, metric, task, bucket = key
    return accepted(f"{split}_by_frequency/{metric}_{task}/{bucket}" if bucket else f"{split}/{metric}/{task}")


def accepted(name: str) -> str:
    """A name with what MLflow does not take in one replaced."""
    return re.sub(r"[^\w\-. /]", "_", name)


def summarise(records: Sequence[Record], baseline: Mapping[str, float] | None = None) -> dict[str, float]:
    """A run in numbers, by task.

    Of the AUC on valid: its peak, the epoch of the peak (the earlier of a tie), its last value, and the peak minus the
    last value. Of the logloss: its jump at the first boundary between epochs.

    baseline: task -> AUC on valid of the one-epoch baseline; with it also the multi-epoch gain, peak minus baseline.
    """
    out: dict[str, float] = {}
    for task in curves.tasks(records):
        auc = curves.ends(records, "auc", task)
        if auc:
            epoch = max(auc, key=lambda e: (auc[e], -e))
            peak, last = auc[epoch], auc[max(auc)]
            values = {"peak": peak, "peak_epoch": float(epoch), "last": last, "peak_minus_last": peak - last}
            if baseline and task in baseline:
                values["gain"] = peak - baseline[task]
            out |= {accepted(f"valid/auc_{name}/{task}"): value for name, value in values.items()}
        if (jump := curves.boundary_jump(records, task)) is not None:
            out[accepted(f"sample/logloss_boundary_jump/{task}")] = jump
    return out


def first_epoch(records: Sequence[Record]) -> dict[str, float]:
    """Task -> AUC on valid at the end of epoch 1."""
    found = {task: curves.ends(records, "auc", task) for task in curves.tasks(records)}
    return {task: auc[1] for task, auc in found.items() if 1 in auc}


def scalars(values: Mapping[str, float]) -> list[Point]:
    """Points of values that have no course over time."""
    return [(name, value, 0) for name, value in values.items()]


def digest(value: Any) -> str:
    """16 hexadecimal digits that change whenever a JSON value does."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _step(key: MetricKey, record: Record) -> int:
    return record.step if key.split == "sample" else record.epoch


def _until(run: Run, last: int | None) -> Run:
    kept = tuple(r for r in run.records if last is None or r.epoch <= last)
    return dataclasses.replace(run, records=kept)
