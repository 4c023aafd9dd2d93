"""What docs/reliability.md promises to keep within a major version, against what `interface.txt` has of it.

What is new is written there by `INTERFACE=write pytest tests/test_interface.py`. What went is a new major version.
"""

from __future__ import annotations

import csv
import inspect
import os
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, Literal, get_args, get_origin

from support.verdicts import verdict_json
from typer.main import get_command

import multiepoch
from harness import api
from harness.base.config import Config
from harness.base.exits import Exit
from harness.base.places import ROOT
from harness.commands.application.main import app
from harness.commands.export import OPTIMIZERS, TARGETS
from harness.contracts.kinds import POOLS, SCALES
from harness.data.synthetic.population import Population
from harness.data.tabular.cut import WAYS
from harness.data.tabular.schema import Schema
from harness.data.tabular.times import UNITS
from harness.diagnose.verdict import State
from harness.experiment.plan import Plan
from harness.facts.sheet import Sheet
from harness.metrics.catalog import METRICS, PROBES, SELECTABLE
from harness.plugins.registry import Registry

RELEASED = Path(__file__).with_name("interface.txt")
CHOICES: dict[str, Iterable[str]] = {
    "metric": METRICS, "plan search.metric": SELECTABLE, "plan evaluation.probes": PROBES, "schema split.by": WAYS,
    "schema time_unit": UNITS, "schema fields.pool": POOLS, "schema fields.scale": SCALES, "verdict state": State,
    "preset lists.pool": POOLS, "preset numbers.scale": SCALES,
    "multiepoch export --to": TARGETS, "multiepoch export --table-optimizer": OPTIMIZERS,
}  # fmt: skip
"""What is accepted where no type says it."""
NOT_KEPT = {
    "multiepoch.Result.analysis", "plan train.start.digest",
    "multiepoch --install-completion", "multiepoch --show-completion",
}  # fmt: skip


@cache
def interface() -> list[str]:
    """A line for each thing that is promised."""
    found = [*_commands(get_command(app), "multiepoch"), *(f"status {each:d}" for each in Exit), *_plugins()]
    found += [f"{what} = {each}" for what, accepted in CHOICES.items() for each in accepted]
    for what, model in (("plan", Plan), ("schema", Schema), ("preset", Population), ("facts", Sheet)):
        found += _keys(model, f"{what} ")
    for module in (multiepoch, api):
        for name in module.__all__:
            found += _names(f"{module.__name__}.{name}", getattr(module, name))
    found += _inside("verdict ", verdict_json())
    with (ROOT / "results" / "tables" / "quick.csv").open(encoding="utf-8") as lines:
        found += [f"column {name}" for name in next(csv.reader(lines))]
    return sorted(set(found) - NOT_KEPT)


def _commands(command: Any, path: str) -> Iterator[str]:
    yield path
    for parameter in command.params:
        option = parameter.param_type_name == "option"
        names = [*parameter.opts, *parameter.secondary_opts] if option else [f"({parameter.name})"]
        for name in names:
            yield f"{path} {name}"
            yield from _accepted(f"{path} {name}", parameter.type_descriptor.annotation)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{path} {name}")


def _plugins() -> Iterator[str]:
    registry = Registry()
    for what, entries in (
        ("strategy", registry.strategies),
        ("dataset", registry.datasets),
        ("model", registry.models),
    ):
        for name, entry in entries.items():
            yield from (f"{what} {name}", *(f"{what} {name}.{knob}" for knob in entry.declaration.knobs))


def _keys(model: type[Config], begin: str) -> Iterator[str]:
    for attribute, field in model.model_fields.items():
        name = begin + (field.alias or attribute)
        yield name
        yield from _accepted(name, field.annotation)


def _accepted(name: str, annotation: Any) -> Iterator[str]:
    """The keys of the tables, and the words, that a type accepts."""
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield from _keys(annotation, f"{name}.")
    words = isinstance(annotation, type) and issubclass(annotation, StrEnum)
    if words or get_origin(annotation) is Literal:
        yield from (f"{name} = {each}" for each in (annotation if words else get_args(annotation)))
    for part in get_args(annotation):
        yield from _accepted(name, part)


def _names(name: str, value: Any) -> Iterator[str]:
    """A function with its parameters; a class with its public attributes, and its methods with theirs."""
    if inspect.isclass(value):
        yield name
        for inner, member in inspect.getmembers(value):
            if not inner.startswith("_") and isinstance(member, FunctionType | MethodType | property):
                yield from _names(f"{name}.{inner}", member)
        for each in value.__mro__:
            yield from (f"{name}.{inner}" for inner in inspect.get_annotations(each) if not inner.startswith("_"))
    elif isinstance(value, FunctionType | MethodType):
        yield f"{name}({', '.join(inspect.signature(value).parameters)})"
    else:
        yield name


def _inside(name: str, value: Any) -> Iterator[str]:
    """The keys of a JSON file, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{name}{key}"
            yield from _inside(f"{name}{key}.", inner)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _inside(name, each)


def test_what_is_promised_is_there() -> None:
    now = interface()
    if os.environ.get("INTERFACE") == "write":
        RELEASED.write_text("\n".join(now) + "\n", encoding="utf-8")
    released = RELEASED.read_text(encoding="utf-8").splitlines()
    gone = sorted(set(released) - set(now))
    assert not gone, f"promised in docs/reliability.md, and gone or called otherwise: {gone}"
    new = sorted(set(now) - set(released))
    assert not new, f"new, to be written to {RELEASED.name} by INTERFACE=write: {new}"


def test_what_goes_is_noticed() -> None:
    """Of each kind of promise there is one, so that none is looked at in vain."""
    assert {line.split()[0].split(".")[0] for line in interface()} == {
        "multiepoch", "harness", "status", "plan", "schema", "preset", "facts", "column", "verdict", "metric",
        "strategy", "dataset", "model",
    }  # fmt: skip
    assert {
        "multiepoch benchmark --workers", "multiepoch diagnose --budget", "multiepoch diagnose --fail-on = leak",
        "multiepoch export --to = torchrec", "plan train.epochs", "plan train.loss = in_batch_softmax",
        "plan search.select = one_epoch", "plan repetitions.most", "schema split.by", "schema split.by = group",
        "facts fact.claim.holds", "column p_holm", "harness.api.Strategy.on_rows(self, step)",
        "harness.api.Strategy.name", "harness.api.Model.reads_sequences()", "harness.api.RowStep.seen_K",
        "verdict audits.passed", "verdict race.dropped.why", "verdict second_split.holds",
        "verdict sample.ladder.lines.whole", "verdict use.gain", "verdict plan.asked.labels",
    } <= set(interface())  # fmt: skip


def test_the_exit_statuses_that_stay_are_those_there_are() -> None:
    said = re.search(r"the exit statuses ([\d, and]+)", (ROOT / "docs" / "reliability.md").read_text())
    assert said is not None
    assert list(map(int, re.findall(r"\d+", said[1]))) == list(Exit)
