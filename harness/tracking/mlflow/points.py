"""From records to what MLflow shows: metric points, and a run in numbers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from harness.metrics import curves
from harness.results.keys import MetricKey
from harness.results.records import Record, Run

Point = tuple[str, float, int]
"""Name, value, step."""
CURVES = ("auc", "logloss")
EPOCHS = "sample/epochs"
"""Epochs trained, at the steps of the subsample: what its curves are drawn over."""


def points(record: Record) -> list[Point]:
    """All metrics of a record: `sample/...` at its optimiser step, everything else at its epoch."""
    shown = [(name_of(key), value, _step(key, record)) for key, value in record.metrics.items()]
    return shown + _epochs(record) + cost_points(record.cost, record.epoch)


def _epochs(record: Record) -> list[Point]:
    sampled = any(key.split == "sample" for key in record.metrics)
    return [(EPOCHS, record.position, record.step)] if sampled else []


def cost_points(cost: Mapping[str, float], epoch: int) -> list[Point]:
    """Costs under `system/`, which the UI keeps apart from what a model is worth."""
    return [(f"system/{name}", value, epoch) for name, value in cost.items()]


def mean_points(runs: Sequence[Run]) -> list[Point]:
    """Mean over runs of AUC and logloss, by task: on valid by epoch, on the subsample by step, and the epochs there.

    Steps and epochs are means too, as runs at several batch sizes have steps of their own. A point is of all runs.
    """
    keys = dict.fromkeys(key for run in runs for record in run.records for key in record.metrics)
    found = dict[Point, None]()
    for key in (key for key in keys if key.split in ("valid", "sample") and not key.bucket and key.metric in CURVES):
        for each in (each for each in curves.by_place(runs, key) if len(each) == len(runs)):
            at = int(fmean(_step(key, record) for record in each))
            found[name_of(key), fmean(record.metrics[key] for record in each), at] = None
            if key.split == "sample":
                found[EPOCHS, fmean(record.position for record in each), at] = None
    return list(found)


def name_of(key: MetricKey) -> str:
    """The name as MLflow accepts it: `valid@2-4/auc/click` becomes `valid_by_frequency/auc_click/2-4`.

    The UI makes a section of everything before the last slash, so the buckets of one metric stand side by side.
    """
    split, metric, task, bucket = key
    return accepted(f"{split}_by_frequency/{metric}_{task}/{bucket}" if bucket else f"{split}/{metric}/{task}")


def accepted(name: str) -> str:
    """A name with what MLflow does not take in one replaced."""
    return re.sub(r"[^\w\-. /]", "_", name)


def summarise(records: Sequence[Record], spec: Mapping[str, Any]) -> dict[str, float]:
    """A run in numbers, by task. spec: of the run.

    Of the AUC on valid: its peak, the epoch of the peak (the earlier of a tie), its last value, and the peak minus the
    last value. Of the logloss: its jump at the first boundary between epochs.
    """
    out: dict[str, float] = {}
    for task in curves.tasks(records):
        auc = curves.ends(records, "auc", task)
        if auc:
            epoch = max(auc, key=lambda e: (auc[e], -e))
            peak, last = auc[epoch], auc[max(auc)]
            values = {"peak": peak, "peak_epoch": float(epoch), "last": last, "peak_minus_last": peak - last}
            out |= {accepted(f"valid/auc_{name}/{task}"): value for name, value in values.items()}
        if (jump := curves.boundary_jump(records, spec, task)) is not None:
            out[jump_name(task)] = jump
    return out


def jump_name(task: str) -> str:
    """Of the jump of the subsample's logloss at the first boundary between epochs."""
    return accepted(f"sample/logloss_boundary_jump/{task}")


def scalars(values: Mapping[str, float]) -> list[Point]:
    """Points of values that have no course over time."""
    return [(name, value, 0) for name, value in values.items()]


def digest(value: Any) -> str:
    """16 hexadecimal digits that change whenever a JSON value does."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _step(key: MetricKey, record: Record) -> int:
    return record.step if key.split == "sample" else record.epoch
