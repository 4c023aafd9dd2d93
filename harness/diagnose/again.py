"""The same arms at the knobs that were found, on other data of the same log: a plan without a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from harness.base.config import read_toml
from harness.base.files import write_text
from harness.experiment.plan import Plan
from harness.results.keys import ArmRole
from harness.results.plan_results import PLAIN, Arm
from harness.search.arm import ArmPlan

SEEDS = 5
"""As many as show a fall by their common sign."""


@dataclass(frozen=True)
class Again:
    """name: of the plan. what: the data, in words. dataset: as a plan names it. data_seed: draws a split at random.
    seeds: how many. draws: whether each has a draw of generated data of its own."""

    name: str
    what: str
    dataset: dict[str, Any]
    data_seed: int = 0
    seeds: int = SEEDS
    draws: bool = False

    def plan(self, first: Plan, strategies: Sequence[str]) -> Plan:
        """strategies: beside plain training."""
        values = first.model_dump(mode="json", by_alias=True)
        values |= {
            "name": self.name,
            "description": f"{first.description} On {self.what}.",
            "data_seed": self.data_seed,
        }
        values |= {"dataset": [self.dataset], "strategies": [PLAIN, *strategies]}
        values |= {"repetitions": "draws" if self.draws else "seeds", "seeds": list(range(1, self.seeds + 1))}
        values["search"] |= {"trials": 0}
        return Plan.model_validate(values)


def rewritten(dataset: Mapping[str, Any], path: Path, **tables: Mapping[str, Any]) -> dict[str, Any]:
    """A data set with a schema, of which these keys of tables are others; the new one is left at a path."""
    values = read_toml(Path(dataset["schema"]), "schema")
    values |= {name: values.get(name, {}) | dict(change) for name, change in tables.items()}
    write_text(path, tomli_w.dumps(values))
    return {**dataset, "schema": str(path)}


def with_knobs(arms: Iterable[ArmPlan], found: Iterable[Arm]) -> list[ArmPlan]:
    """Arms that take the knobs that the same arms of an earlier plan chose."""
    chosen: dict[str, dict[ArmRole, Mapping[str, Any]]] = {}
    for arm in found:
        chosen.setdefault(arm.strategy, {})[arm.role] = arm.chosen
    return [replace(arm, knobs=chosen[arm.strategy]) for arm in arms]
