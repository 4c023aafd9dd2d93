"""Every number behind the tables, at full precision, one line each: for CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from harness.metrics.catalog import METRICS
from harness.report.analysis.comparisons import DIFFERENCES, QUANTITIES, Row, rows
from harness.report.analysis.estimates import Estimate
from harness.report.analysis.load import Comparison, Group
from harness.report.tables.certainty import sign_flips
from harness.report.tables.grids import numbered

NONE = "against_none_"
WORDS = ("dataset", "model", "strategy", "role", "task", "metric", "split", "select", "chosen_epochs", "quantity")
COUNTS = ("rank", "trials", "finished_seeds", "expected_seeds")
LEVELS = ("mean", "low", "high", "n", "deviation", "bootstrap_low", "bootstrap_high", "values")
TESTS = ("p", "p_holm", "sign_flip_p", "sign_flip_p_holm", "detectable")
VALUES = LEVELS + TESTS
TYPES: dict[str, Any] = {"n": pl.Int64, "values": pl.String}
SCHEMA: dict[str, Any] = {
    **dict.fromkeys(WORDS, pl.String),
    **dict.fromkeys(COUNTS, pl.Int64),
    "tuned": pl.Boolean,
    **{prefix + name: TYPES.get(name, pl.Float64) for prefix in ("", NONE) for name in VALUES},
    "chosen": pl.String,
}


def numbers(comparison: Comparison) -> pl.DataFrame:
    """One line per arm, task, metric and quantity; results/README.md has the columns."""
    return pl.DataFrame(list(_lines(comparison)), schema=SCHEMA)


def _lines(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for group in comparison.groups:
        for task in group.tasks:
            for metric in (m for m in METRICS if m in {group.metric, "auc", "logloss"}):
                yield from _of(group, task, metric)


def _of(group: Group, task: str, metric: str) -> Iterator[dict[str, Any]]:
    found = list(numbered(rows(group, task, metric)))
    every = [row for _, row in found]
    for quantity in QUANTITIES:
        own = sign_flips(every, quantity, against_none=False) if quantity in DIFFERENCES else {}
        to_none = sign_flips(every, quantity, against_none=True)
        for rank, row in found:
            measure = row.measures[quantity]
            yield {
                **_about(group, task, metric, rank, row),
                "quantity": quantity,
                **_values(measure.value, measure.p, own.get(id(row)), tests=quantity in DIFFERENCES),
                **{
                    NONE + name: value
                    for name, value in _values(
                        measure.against_none, measure.p_against_none, to_none[id(row)], tests=True
                    ).items()
                },
            }


def _about(group: Group, task: str, metric: str, rank: str, row: Row) -> dict[str, Any]:
    arm = row.arm.arm
    about: dict[str, Any] = {"dataset": group.dataset, "model": group.model, "strategy": arm.strategy, "role": arm.role}
    about |= {"task": task, "metric": metric, "split": group.split, "select": arm.select}
    about |= {"rank": int(rank) if rank else None, "chosen_epochs": " ".join(map(str, row.epochs))}
    about |= {"tuned": arm.tuned, "trials": len(arm.trials), "chosen": json.dumps(arm.chosen, sort_keys=True)}
    return about | {"finished_seeds": len(row.arm.finished), "expected_seeds": len(row.arm.runs)}


def _values(found: Estimate | None, p_holm: float | None, flip_holm: float | None, *, tests: bool) -> dict[str, Any]:
    """The columns of one estimate; the tests are of a difference alone."""
    if found is None:
        return {"n": 0}
    low, high = found.bootstrap or (None, None)
    values: dict[str, Any] = {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
    values |= {"deviation": found.deviation, "bootstrap_low": low, "bootstrap_high": high}
    values["values"] = json.dumps(found.values)
    if tests:
        values |= {"p": found.p_value, "p_holm": p_holm, "sign_flip_p": found.sign_flip, "sign_flip_p_holm": flip_holm}
        values |= {"detectable": found.detectable()}
    return values
