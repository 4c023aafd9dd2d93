"""What docs/reliability.md promises to keep within a major version, against what `interface.txt` has of it.

What is new is written there by `INTERFACE=write pytest tests/test_interface.py`. What went is a new major version.
"""

from __future__ import annotations

import csv
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

import multiepoch
from harness import api, cli
from harness.base.config import Config
from harness.base.places import ROOT
from harness.commands import diagnose
from harness.commands.application.main import app
from harness.data.synthetic.population import Population
from harness.data.tabular.schema import Schema
from harness.experiment.plan import Plan
from harness.facts.sheet import Sheet
from harness.plugins.registry import Registry

RELEASED = Path(__file__).with_name("interface.txt")


def interface() -> list[str]:
    """A line for each thing that is promised."""
    found = [*_commands(get_command(app), "multiepoch"), *_statuses(), *_plugins()]
    for what, model in (("plan", Plan), ("schema", Schema), ("preset", Population), ("facts", Sheet)):
        found += [f"{what} {key}" for key in _keys(model)]
    for module in (multiepoch, api):
        for name in module.__all__:
            found += _names(f"{module.__name__}.{name}", getattr(module, name))
    with (ROOT / "results" / "tables" / "quick.csv").open(encoding="utf-8") as lines:
        found += [f"column {name}" for name in next(csv.reader(lines))]
    return sorted(set(found))


def _commands(command: Any, path: str) -> Iterator[str]:
    yield path
    for parameter in command.params:
        names = parameter.opts if parameter.param_type_name == "option" else [f"({parameter.name})"]
        yield from (f"{path} {name}" for name in names)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{path} {name}")


def _statuses() -> Iterator[str]:
    for module in (cli, diagnose):
        for name, value in vars(module).items():
            if name.isupper() and type(value) is int:
                yield f"status {value} {name}"


def _plugins() -> Iterator[str]:
    registry = Registry()
    for what, entries in (
        ("strategy", registry.strategies),
        ("dataset", registry.datasets),
        ("model", registry.models),
    ):
        for name, entry in entries.items():
            yield from (f"{what} {name}", *(f"{what} {name}.{knob}" for knob in entry.declaration.knobs))


def _keys(model: type[Config], begin: str = "") -> Iterator[str]:
    for attribute, field in model.model_fields.items():
        name = begin + (field.alias or attribute)
        yield name
        for inner in _inner(field.annotation):
            yield from _keys(inner, f"{name}.")


def _inner(annotation: Any) -> Iterator[type[Config]]:
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    for part in get_args(annotation):
        yield from _inner(part)


def _names(name: str, value: Any) -> Iterator[str]:
    """A function with its parameters; a class with its public attributes, and its methods with theirs."""
    if inspect.isclass(value):
        yield name
        for inner, member in inspect.getmembers(value):
            if not inner.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                yield from _names(f"{name}.{inner}", member)
        for inner in inspect.get_annotations(value):
            if not inner.startswith("_"):
                yield f"{name}.{inner}"
    elif inspect.isfunction(value):
        yield f"{name}({', '.join(inspect.signature(value).parameters)})"
    else:
        yield name


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
        "multiepoch", "harness", "status", "plan", "schema", "preset", "facts", "column",
        "strategy", "dataset", "model",
    }  # fmt: skip
    assert {
        "multiepoch benchmark --workers", "multiepoch diagnose --budget", "plan train.epochs", "schema split.by",
        "plan repetitions.most", "facts fact.claim.holds", "status 3 CANNOT_TELL", "column p_holm",
        "harness.api.Strategy.on_rows(self, step)", "harness.api.RowStep.seen_K",
    } <= set(interface())  # fmt: skip
