"""`multiepoch data table`: every preset, target against produced, and what the ids of its tail are worth."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from rich.console import Console

from harness.api import Stream
from harness.base import seeds
from harness.base.environment import environment
from harness.base.markdown import literal
from harness.base.terminal import print_plain
from harness.base.words import counted
from harness.data import indexed
from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.preset_targets import Line, lines, produce
from harness.data.synthetic.population import Population
from harness.data.synthetic.presets import load_population, presets
from harness.engine.run import run
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import MetricKey

TRAIN = TrainSpec(epochs=1, batch_size=2048)
EVALUATION = EvalSpec(points=(), test=True)
SMALLEST = 1e-7
"""Less is written as 0: no data set here could tell."""
HEAD = """# The generator: target against produced

Printed by `multiepoch data table`. Machine: {machine}.

Targets are a preset's own knobs, what theory expects of them after so many rows, or published figures; where there is
none the column is empty. It may differ by what chance allows in 99.9 % of cases, the interval of a fit, or .03 from a
published figure; behind an oracle stands its standard error. Frequencies are of the training split.
"""


def write_table(console: Console, names: list[str], out: Path) -> int:
    """Write the table of all presets; the exit status is 1 if a target is missed.

    Raises:
        UserError: there is no preset of that name.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    populations = {name: load_population(name) for name in names or presets()}
    text, missed = [HEAD.format(machine=literal(str(environment()["machine"])))], 0
    with console.status("") as status, tempfile.TemporaryDirectory(prefix="multiepoch-") as scratch:
        for name in populations:
            status.update(f"building {name}")
            found = list(statistics(name, Path(scratch)))
            text += _section(name, populations[name], found)
            missed += sum(line.met is False for line in found)
            console.print(f"{name}: {sum(line.met is True for line in found)} targets met", highlight=False)
    out.write_text("\n".join(text))
    print_plain(console, f"{out}: {counted(missed, 'target')} missed")
    return int(missed > 0)


def statistics(preset: str, scratch: Path) -> Iterator[Line]:
    """Every line of a preset's table, what its tail field is worth included; the data sets are deleted afterwards."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        yield from lines(produce(preset, Path(folder)))
        field, whole, without = ids_help(preset, Path(folder))
        yield Line(f"test AUC after one epoch, minus that without {field}", None, whole - without, above=0)


def ids_help(preset: str, folder: Path, *, seed: int = 1, rows: int | None = None) -> tuple[str, float, float]:
    """The field with most ids, those that share their table left out, and the first task's test AUC after one epoch of
    the plain model with and without it."""
    values = {"preset": preset} | ({} if rows is None else {"rows": rows})
    dataset = build(Registry().datasets, "data set", "powerlaw", values)

    def auc(change: Callable[[Stream], Stream], name: str) -> tuple[float, IndexedDataset]:
        indexed.save(change(dataset.stream(seeds.generator(0, "data", "powerlaw"))), folder / name, preset)
        data, registry = indexed.load(folder / name), Registry()
        model = build(registry.models, "model", "dnn", {"dim": 16, "hidden": (64, 32)})
        plain = build(registry.strategies, "strategy", "none", {})
        *_, last = run(data, model, [plain], TRAIN, EVALUATION, seed)
        return last.metrics[MetricKey("test", "auc", data.tasks[0])], data

    whole, data = auc(lambda stream: stream, "whole")
    sizes = {field: len(ids) for field, ids in zip(data.fields, data.ids_V, strict=False)}
    tail = max((field for field in sizes if field not in data.kinds.shares.values()), key=lambda field: sizes[field])
    without, _ = auc(lambda stream: drop_field(stream, data.fields.index(tail)), "without")
    return tail, whole, without


def drop_field(stream: Stream, field: int) -> Stream:
    """The same data without one field."""
    pieces = (
        (part, dataclasses.replace(split, ids_NF=np.delete(split.ids_NF, field, axis=1)))
        for part, split in stream.pieces
    )
    names = stream.fields[:field] + stream.fields[field + 1 :]
    return dataclasses.replace(stream, fields=names, pieces=pieces)


def _section(name: str, population: Population, found: list[Line]) -> list[str]:
    about = f"{literal(population.description)}. {population.rows:,} rows over {population.days} days."
    head = ["| statistic | target | produced | may differ by | met |", "|---|--:|--:|--:|---|"]
    return [f"## {literal(name)}", "", about, "", *head, *map(_row, found), ""]


def _row(line: Line) -> str:
    target = "" if line.target is None else _short(line.target, 5)
    target = target if line.above is None else f"above {line.above:g}"
    within = "" if line.within is None else _short(line.within, 2)
    met = {None: "", True: "yes", False: "**no**"}[line.met]
    return f"| {literal(line.name)} | {target} | {_short(line.produced, 5)} | {within} | {met} |"


def _short(value: float, digits: int) -> str:
    return f"{value:.{digits}g}" if abs(value) > SMALLEST else "0"
