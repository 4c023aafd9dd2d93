"""What is known of a log: of a population by fresh draws of it, of a real log by a published table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

import polars as pl
from rich.console import Console

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate
from harness.diagnose.again import Again, with_knobs
from harness.diagnose.asked import NAME
from harness.diagnose.collapse import of_task
from harness.execution.launchers.where import Where
from harness.execution.prepare import prepare
from harness.execution.run_plan import run_plan
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.report.write import analyse
from harness.results.plan_results import PLAIN, read_plan_result
from perf.markdown import change
from perf.verdicts.logs import TABLE, Log

DRAWS = 10
"""Fresh ones of a population."""
FRESH = "fresh-draws"
"""Of the plan that trains on them."""


class Change(NamedTuple):
    """In test AUC, against one tuned epoch, with its interval."""

    mean: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        return int(self.low > 0) - int(self.high < 0)

    def __str__(self) -> str:
        return change(*self)


class Answer(NamedTuple):
    """end: where plain training ends. gain: of a strategy; None: it is not known."""

    end: Change
    gain: Change | None


def fresh(log: Log, strategy: str, out: Path, workers: int) -> Answer:
    """Of fresh draws, at the knobs of a diagnosis."""
    first = Plan.model_validate(json.loads((out / "plan.json").read_text())["plan"])
    population = {"name": "powerlaw", "preset": log.population, "rows": log.rows}
    again = Again(FRESH, "fresh draws", population, seeds=DRAWS, draws=True)
    plan = again.plan(first, [strategy] if strategy != PLAIN else [])
    arms = with_knobs(prepare(plan, Registry(), out), read_plan_result(out, NAME).arms)
    run_plan(Console(quiet=True), plan, arms, out, Where(workers=workers), "none")
    return answer(analyse(out, FRESH).groups[0], strategy)


def answer(group: GroupAnalysis, strategy: str) -> Answer:
    end = of_task(group, group.group.task)
    assert end is not None
    gain = next(row.value("gain") for row in group.ranked if row.arm.label == strategy)
    return Answer(_change(end.auc), _change(gain))


def _change(found: Estimate | None) -> Change:
    assert found is not None
    low, high = (-math.inf, math.inf) if found.low is None or found.high is None else (found.low, found.high)
    return Change(found.mean, low, high)


def published(log: Log, strategy: str) -> Answer:
    """Of a real log, as a plan found it, which may not have compared that strategy."""
    lines = pl.read_csv(TABLE, infer_schema_length=None)
    lines = lines.filter(dataset=log.dataset, role="arm", metric="auc", split="test", task=log.labels[0])
    asked = (PLAIN, "final_epoch_gain"), (strategy, "gain")
    end, gain = (
        lines.filter(strategy=name, quantity=what).select("mean", "low", "high").rows() for name, what in asked
    )
    return Answer(Change(*end[0]), Change(*gain[0]) if gain else None)
