"""What an arm costs: seconds, rows and bytes.

Seconds are of processors, all threads together, where training ran on them: those of the wall grow with whatever else
the machine does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from statistics import median

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.groups import ArmRuns
from harness.analysis.load import Comparison
from harness.base.words import counted
from harness.report.format import NOTHING
from harness.report.tables.grids import Cell, Column, Grid
from harness.results.records import Run

UNITS = {"_cpu_s": "CPU s", "_s": "s"}
"""Of the seconds that a group counts."""


def costs(found: GroupAnalysis) -> Grid:
    """Medians over the epochs of all finished seeds; peak memory is the largest."""
    group = found.group
    unit = UNITS[group.clock]
    columns = (
        Column("strategy", words=True),
        Column("training", f"{unit} per epoch"),
        Column("against none", "ratio"),
        Column("to the chosen epoch", f"{unit} of training"),
        Column("evaluation", f"{unit} per epoch"),
        Column("speed", f"1000 rows per {unit}"),
        Column("rows touched", "distinct per step"),
        Column("table", "rows"),
        Column("table", "MiB"),
        Column("peak memory", "MiB"),
    )
    plain = median_of(epoch_costs(group.plain), f"train{group.clock}") if group.plain else None
    return Grid(columns, tuple(_line(arm, found, plain) for arm in group.arms))


def spent(comparison: Comparison) -> str:
    """How long the whole plan took, in a sentence."""
    runs = [run for run in comparison.runs if run.records]
    machines = machines_of(runs)
    trials = len({trial.key for arm in comparison.result.arms for trial in arm.trials})
    minutes = comparison.seconds / 60
    few = counted(round(minutes), "minute") if minutes >= 1.5 else counted(round(comparison.seconds), "second")
    took = few if minutes < 120 else f"{minutes / 60:.1f} hours"
    used = {(run.spec["train"].get("device", "cpu"), run.spec["train"].get("threads", 1)) for run in runs}
    each = ", each on one core" if used == {("cpu", 1)} else ""
    trained = f"{counted(len(runs), 'reporting run')} and {counted(trials, 'trial')}"
    text = f"{trained} trained and evaluated for {took}{each}"
    return f"{text}: {machines}." if machines else f"{text}."


def machines_of(runs: Collection[Run]) -> str:
    """What runs were made on and by which engine, and how busy it was: with more processes than cores, seconds are
    longer."""
    found = [env for run in runs for env in run.environments if "machine" in env]
    engines = [f", engine {env['engine']}" if "engine" in env else "" for env in found]
    named = sorted(
        {f"{e['machine']}, {counted(e['cores'], 'core')}{engine}" for e, engine in zip(found, engines, strict=True)}
    )
    loads = [end.cost["load_average"] for run in runs for end in run.boundaries if "load_average" in end.cost]
    return "; ".join(named) + (f", at a median load of {median(loads):.1f}" if loads else "")


def seconds_to_chosen(arm: ArmRuns, found: GroupAnalysis) -> float | None:
    """Median over seeds of the seconds of training up to the chosen epoch; None where none were recorded."""
    name = f"train{found.group.clock}"
    seconds = [
        sum(end.cost.get(name, 0.0) for end in run.boundaries[: found.epochs[id(arm)][seed]])
        for seed, run in arm.finished.items()
    ]
    return median(seconds) if any(seconds) else None


def table_size(arm: ArmRuns, found: GroupAnalysis) -> float | None:
    """MiB of the embedding table with its optimiser state; None where it was not recorded."""
    return median_of(epoch_costs(arm), "table_mb")


def table_rows(arm: ArmRuns, found: GroupAnalysis) -> float | None:
    """Thousands of rows of the embedding table; None where they were not recorded."""
    rows = median_of(epoch_costs(arm), "table_rows")
    return None if rows is None else rows / 1000


def _line(arm: ArmRuns, analysis: GroupAnalysis, plain: float | None) -> tuple[Cell, ...]:
    found, name = epoch_costs(arm), analysis.group.clock
    train = median_of(found, f"train{name}")
    speed = median_of(
        [{"": c["rows_per_s"] * c["train_s"] / c[f"train{name}"]} for c in found if "rows_per_s" in c], ""
    )
    peak = max((c["peak_memory_mb"] for c in found if "peak_memory_mb" in c), default=None)
    return (
        Cell(arm.label),
        _cell(train, 2),
        _cell(train / plain if train is not None and plain else None, 2),
        _cell(seconds_to_chosen(arm, analysis), 1),
        _cell(median_of(found, f"eval{name}"), 2),
        _cell(None if speed is None else speed / 1000, 0),
        _cell(median_of(found, "distinct_rows_per_step"), 0),
        _cell(median_of(found, "table_rows"), 0),
        _cell(table_size(arm, analysis), 1),
        _cell(peak, 0),
    )


def epoch_costs(arm: ArmRuns) -> list[dict[str, float]]:
    """Of every epoch of its finished seeds."""
    return [end.cost for run in arm.finished.values() for end in run.boundaries if end.cost]


def median_of(found: Iterable[Mapping[str, float]], name: str) -> float | None:
    """None where no epoch has it."""
    values = [cost[name] for cost in found if name in cost]
    return median(values) if values else None


def _cell(value: float | None, digits: int) -> Cell:
    return Cell(NOTHING if value is None else f"{value:,.{digits}f}".replace(",", "\u202f"))
