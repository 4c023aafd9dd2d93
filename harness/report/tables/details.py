"""The tables beside the ranking: what was tuned, what failed, which runs and machines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import tomli_w

from harness.analysis.expected_best import expected_best
from harness.analysis.groups import ArmRuns, Group
from harness.analysis.load import Comparison
from harness.analysis.winners import winner
from harness.base.owner import PRIVATE
from harness.base.words import counted
from harness.metrics.catalog import measured, sign_of
from harness.report.format import NOTHING, number, settings
from harness.report.tables.grids import Cell, Column, Grid
from harness.results.keys import Status
from harness.results.plan_results import Arm
from harness.results.records import Run

NAME = Column("strategy", words=True)
NUMBERS = re.compile(r"\[\n((?: +[-+.\w]+,\n)+)\]")
"""A list of numbers with a line for each, as TOML is written."""
ENVIRONMENT = {
    "multiepoch": "multiepoch {}",
    "engine": "engine {}",
    "python": "Python {}",
    "torch": "torch {}",
    "numpy": "NumPy {}",
    "machine": "{}",
    "cores": "{} cores",
    "memory_gb": "{} GB of memory",
}
"""How a run's environment is written, and in which order."""


def knobs(group: Group) -> Grid:
    """What the search chose for each arm, what it reached, and what was left as the plan has it."""
    reached = Column("reached in the search", f"valid {measured(group.task, group.metric)}")
    columns = (
        NAME,
        Column("chosen", words=True),
        reached,
        Column("trials"),
        Column("expected best", "after 1, half and all trials"),
        Column("not searched", words=True),
    )
    return Grid(columns, tuple(_knob_line(arm, group) for arm in group.everything))


def failures(group: Group) -> Grid:
    """Every seed and trial without a result, and why."""
    columns = (
        NAME,
        Column("run", words=True),
        Column("state", words=True),
        Column("reason", words=True),
        Column("key"),
    )
    lines = [
        (Cell(arm.label), Cell(what), Cell(run.status), Cell(run.reason or "has not reached its end"), Cell(run.key))
        for arm in group.everything
        for what, run in _unfinished(arm)
    ]
    lines += [(Cell(name), Cell("all"), Cell("pending"), Cell("not run yet"), Cell("")) for name in group.pending]
    return Grid(columns, tuple(lines))


def run_list(group: Group) -> Grid:
    """The key of every reporting run and trial: the name of its folder in results/runs."""
    columns = (
        NAME,
        Column("run"),
        Column("state", words=True),
        Column("key"),
        Column("reached in the search", f"valid {measured(group.task, group.metric)}"),
        Column("knobs", words=True),
    )
    lines = []
    for arm in group.everything:
        for seed, run in arm.runs.items():
            found = Cell(f"seed {seed}"), Cell(run.status), _key(run.key)
            lines.append((Cell(arm.label), *found, Cell(NOTHING), Cell(settings(_searched(arm.arm, run)))))
        for trial in arm.arm.trials:
            state = Status.FINISHED if trial.value is not None else arm.failed_trials[trial.number].status
            value = NOTHING if trial.value is None else number(trial.value, 4)
            found = Cell(f"trial {trial.number}"), Cell(state), _key(trial.key)
            lines.append((Cell(arm.label), *found, Cell(value), Cell(settings(trial.params))))
    return Grid(columns, tuple(lines))


def _key(key: str) -> Cell:
    return Cell(key, link=f"runs/{key}/") if key else Cell(NOTHING)


def environments(comparison: Comparison) -> list[tuple[str, str]]:
    """What computed the runs: a count of runs, and machine and versions; one entry per distinct environment, or
    sequence of them where runs were resumed elsewhere."""
    found: dict[str, list[Run]] = {}
    for run in comparison.runs:
        if run.env:
            texts = dict.fromkeys(map(_environment, run.environments))
            found.setdefault("; then ".join(texts), []).append(run)
    return [(counted(len(runs), "run"), text) for text, runs in found.items()]


def plan_toml(plan: Mapping[str, Any]) -> str:
    """The plan as it ran, overrides included, as a plan file; numbers of a list stand in one line."""
    text = tomli_w.dumps(_without_nothing(plan))
    return NUMBERS.sub(lambda found: f"[{' '.join(found[1].split()).rstrip(',')}]", text)


def _without_nothing(value: Any) -> Any:
    """The same without keys whose value is None, which TOML has not."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(inner) for key, inner in value.items() if inner is not None}
    return [_without_nothing(inner) for inner in value] if isinstance(value, list | tuple) else value


def _environment(env: Mapping[str, Any]) -> str:
    names = dict.fromkeys((*ENVIRONMENT, *sorted(env.keys() - PRIVATE)))
    return ", ".join(_in_words(name, env[name]) for name in names if name in env)


def _in_words(name: str, value: Any) -> str:
    return counted(value, "core") if name == "cores" else ENVIRONMENT.get(name, f"{name} {{}}").format(value)


def _knob_line(arm: ArmRuns, group: Group) -> tuple[Cell, ...]:
    trials, sign = arm.arm.trials, sign_of(group.metric)
    values = [t.value for t in trials if t.value is not None]
    won = winner(arm, group)
    failed = f"{len(arm.failed_trials)} failed" if arm.failed_trials else ""
    return (
        Cell(arm.label, f"by {arm.arm.select}"),
        Cell(settings(arm.arm.chosen) or ("untuned" if not arm.arm.tuned else NOTHING), _turns(arm.arm)),
        Cell(NOTHING) if won is None else Cell(number(won.trial.value or 0.0, 4), "of none" if won.of_none else ""),
        Cell(str(len(trials)), failed),
        Cell(", ".join(number(expected_best(values, k, sign), 4) for k in _halves(len(values))) or NOTHING),
        Cell(settings(_fixed(arm.arm, next(iter(arm.finished.values()), None)))),
    )


def _turns(arm: Arm) -> str:
    """What differs in the knobs that seeds take in turn with the chosen ones."""
    others = [settings({k: v for k, v in tied.items() if arm.chosen.get(k) != v}) for tied in arm.tied]
    return f"in turn with {'; '.join(others)}" if others else ""


def _halves(n: int) -> list[int]:
    return sorted({1, -(-n // 2), n}) if n else []


def _fixed(arm: Arm, run: Run | None) -> dict[str, Any]:
    """Knobs of the strategy, learning rates and the table optimiser that the search left alone, as a run has them.

    What the strategy brings itself, as `sparse_optimizer` does an optimiser, is among its own.
    """
    if run is None:
        return {}
    values = _of_parts(run)
    own = {name.partition(".")[2] for name in values}
    shared = {"dense_lr", "table_lr", *(() if "optimizer" in own else ("table_optimizer",))}
    values |= {k: v for k, v in run.spec.get("train", {}).items() if k in shared}
    return {k: v for k, v in values.items() if k not in arm.chosen}


def _searched(arm: Arm, run: Run) -> dict[str, Any]:
    """What was searched, as a run has it: seeds take turns among near-ties. Of a run without a spec, the chosen."""
    values = run.spec.get("train", {}) | _of_parts(run)
    return {name: values.get(name, value) for name, value in arm.chosen.items()}


def _of_parts(run: Run) -> dict[str, Any]:
    """The knobs of the strategies of a run."""
    parts = run.spec.get("strategy", ())
    return {f"{part['name']}.{knob}": value for part in parts for knob, value in part["params"].items()}


def _unfinished(arm: ArmRuns) -> list[tuple[str, Run]]:
    runs = [(f"seed {seed}", run) for seed, run in arm.runs.items() if run.status != Status.FINISHED]
    return runs + [(f"trial {number}", run) for number, run in arm.failed_trials.items()]
