"""From a file, or from what was kept of it, to a plan."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.base.config import explain, parse_toml, read_toml
from harness.base.errors import UserError, nearest
from harness.base.files import odd_kind
from harness.base.names import FILE_NAME
from harness.base.places import PLANS
from harness.experiment.plan import Plan

RESERVED = (
    "attempts", "bad_inputs", "beyond_memory", "big_folder", "bound", "cross_fitted", "facts", "faults", "fidelity",
    "generator", "gpu", "kinds", "ladder", "leaks", "losses", "pooling", "population_traits", "precision", "racing",
    "running_mean", "schedule", "searches", "size_law", "stale", "statistics", "submissions", "throughput",
    "untuned", "verdicts",
)  # fmt: skip
"""Tables that other commands write."""


def plan_file(name: str | Path) -> Path:
    """The file of a plan: a path, or the bare name of one that comes with the harness.

    Raises:
        UserError: there is neither.
    """
    path, shipped = Path(name), {file.stem: file for file in sorted(PLANS.glob("*.toml"))}
    if path.is_file():
        return path
    if kind := odd_kind(path):
        raise UserError(f"plan '{name}' is {kind}; accepted: a TOML file, or one of {', '.join(shipped)}")
    if str(name) in shipped:
        return shipped[str(name)]
    beside = [file.name for file in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    near = nearest(str(name), shipped) or nearest(path.name, beside)
    raise UserError(f"plan '{name}' does not exist; {near}accepted: a TOML file, or one of {', '.join(shipped)}")


def load_plan(name: str | Path, overrides: list[str] | None = None) -> Plan:
    """Read a plan; `overrides` are `key=value` with dotted keys and TOML values, as `train.epochs=2`.

    A key of a table that there are several of, as `dataset.rows`, is set in each of them.

    name: as of `plan_file`.

    Raises:
        UserError: there is no such plan, it is not TOML, or a key or value is not accepted.
    """
    path = plan_file(name)
    values = read_plan(path)
    for override in overrides or []:
        key, value = _told(override)
        put(values, key, value, f"--set '{override}'")
    return plan_of(values, f"plan '{path}'")


def read_plan(path: Path) -> dict[str, Any]:
    """The keys of a plan's file, its name among them.

    Raises:
        UserError: it is not TOML.
    """
    return {"name": path.stem, **read_toml(path, f"plan '{path}' cannot be read as TOML")}


def plan_of(values: Mapping[str, Any], where: str) -> Plan:
    """A plan from its keys. where: begins the message.

    Raises:
        UserError: a key or value is not accepted.
    """
    try:
        plan = Plan.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{where}: {explain(error, Plan)}") from error
    if not plan.seeds:
        raise UserError(f"{where}: seeds = [] is not accepted: at least one is needed, as [1]")
    if (table := plan.table or plan.name) in RESERVED or table.startswith("facts-"):
        raise UserError(
            f"{where}: another command writes table '{table}'; accepted: a name other than {', '.join(RESERVED)} "
            "and facts-*"
        )
    return plan


def plan_that_ran(name: str, values: dict[str, Any]) -> Plan:
    """A plan as it was run, from what was kept of it.

    Raises:
        UserError: another version of multiepoch wrote it.
    """
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        raise UserError(f"plan '{name}' was run by another version: {explain(error, Plan)}; run it again") from error


def beside(plan: Plan, end: str, where: str, **changed: Any) -> Plan:
    """A plan that a command makes of another, which stands beside it in a results folder: its name has an end.

    Raises:
        UserError: that is too long a name. where: begins the message.
    """
    name = f"{plan.name}-{end}"
    if not re.match(FILE_NAME, name):
        raise UserError(f"{where}: its runs would be of plan '{name}', too long a name; accepted: --set name=short")
    said = f"By `multiepoch {end}`, on the data, network and training of plan {plan.name}."
    return plan.model_copy(update={"name": name, "table": None, "description": said, **changed})


def put(values: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Set a key of a plan, as `train.epochs`; of a table that there are several of, in each. where: begins the message.

    Raises:
        UserError: a part of the key but the last is no table.
    """
    *path, last = key.strip().split(".")
    tables = [values]
    for part in path:
        inner = [table.setdefault(part, {}) for table in tables]
        tables = [each for found in inner for each in (found if isinstance(found, list) else [found])]
        if not all(isinstance(table, dict) for table in tables):
            raise UserError(f"{where}: '{part}' is not a table of the plan")
    for table in tables:
        table[last] = value


def _told(override: str) -> tuple[str, Any]:
    """The key and the value of `key=value`."""
    key, equals, text = override.partition("=")
    if not equals:
        raise UserError(f"--set '{override}' has no '='; accepted: key=value, as train.epochs=2")
    try:
        given = parse_toml(f"x = {text}")
    except tomllib.TOMLDecodeError:
        given = {"x": text}
    if len(given) > 1:
        raise UserError(f"--set '{override}' sets more than one key; accepted: one in each --set")
    return key, given["x"]
