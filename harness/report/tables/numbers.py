"""Every number behind the tables, at full precision, one line each: for CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.analysis.comparisons import DIFFERENCES, QUANTITIES, ArmComparison
from harness.analysis.estimates import Estimate
from harness.analysis.groups import Group
from harness.metrics.catalog import METRICS
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


def numbers(analysis: Analysis) -> pl.DataFrame:
    """One line per arm, task, metric and quantity; results/README.md has the columns."""
    return pl.DataFrame(list(_lines(analysis)), schema=SCHEMA)


def _lines(analysis: Analysis) -> Iterator[dict[str, Any]]:
    for found in analysis.groups:
        for task in found.group.tasks:
            for metric in found.recorded(task):
                if METRICS[metric].in_tables or metric == found.group.metric:
                    yield from _of(found, task, metric)


def _of(analysis: GroupAnalysis, task: str, metric: str) -> Iterator[dict[str, Any]]:
    found = list(numbered(analysis.compared(task, metric)))
    for quantity in QUANTITIES:
        own = analysis.sign_flips(task, metric, quantity) if quantity in DIFFERENCES else {}
        to_none = analysis.sign_flips(task, metric, quantity, against_none=True)
        for rank, row in found:
            contrast = row.contrasts[quantity]
            tests = quantity in DIFFERENCES and not row.lost(quantity)
            tests_to_none = not row.lost(quantity, against_none=True)
            yield {
                **_about(analysis.group, task, metric, rank, row),
                "quantity": quantity,
                **_values(contrast.value, contrast.p, own.get(id(row)), tests=tests),
                **{
                    NONE + name: value
                    for name, value in _values(
                        contrast.against_none, contrast.p_against_none, to_none[id(row)], tests=tests_to_none
                    ).items()
                },
            }


def _about(group: Group, task: str, metric: str, rank: str, row: ArmComparison) -> dict[str, Any]:
    arm = row.arm.arm
    about: dict[str, Any] = {"dataset": group.dataset, "model": group.model, "strategy": arm.strategy, "role": arm.role}
    about |= {"task": task, "metric": metric, "split": group.split, "select": arm.select}
    about |= {"rank": int(rank) if rank else None, "chosen_epochs": " ".join(map(str, row.epochs))}
    about |= {"tuned": arm.tuned, "trials": len(arm.trials), "chosen": json.dumps(arm.chosen, sort_keys=True)}
    return about | {"finished_seeds": len(row.arm.finished), "expected_seeds": len(row.arm.runs)}


def _values(found: Estimate | None, p_holm: float | None, flip_holm: float | None, *, tests: bool) -> dict[str, Any]:
    """The columns of one estimate; tests are of a difference alone, and of seeds that chance chose."""
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
