"""The same arms at the knobs that were found, on other data of the same log: a plan without a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.experiment.plan import Plan
from harness.results.keys import ArmRole
from harness.results.plan_results import PLAIN, Arm
from harness.search.arm import ArmPlan

SEEDS = 5
"""As many as show a fall by their common sign."""


@dataclass(frozen=True)
class Again:
    """name: of the plan. what: the data, in words. dataset: as a plan names it. data_seed: draws a split at random."""

    name: str
    what: str
    dataset: dict[str, Any]
    data_seed: int = 0

    def plan(self, first: Plan, strategies: Sequence[str]) -> Plan:
        """strategies: beside plain training."""
        values = first.model_dump(mode="json", by_alias=True)
        values |= {
            "name": self.name,
            "description": f"{first.description} On {self.what}.",
            "data_seed": self.data_seed,
        }
        values |= {"dataset": [self.dataset], "strategies": [PLAIN, *strategies]}
        values |= {"repetitions": "seeds", "seeds": list(range(1, SEEDS + 1))}
        values["search"] |= {"trials": 0}
        return Plan.model_validate(values)


def with_knobs(arms: Iterable[ArmPlan], found: Iterable[Arm]) -> list[ArmPlan]:
    """Arms that take the knobs that the same arms of an earlier plan chose."""
    chosen: dict[str, dict[ArmRole, Mapping[str, Any]]] = {}
    for arm in found:
        chosen.setdefault(arm.strategy, {})[arm.role] = arm.chosen
    return [replace(arm, knobs=chosen[arm.strategy]) for arm in arms]
