"""Where a search looks: one Optuna distribution per searched knob."""

from __future__ import annotations

import json
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from harness.base.plugin import Knob

Space = dict[str, tuple[BaseDistribution, Any]]
"""Name of a knob -> its distribution and its default."""


def distribution(knob: Knob, default: Any) -> BaseDistribution:
    """Where the search looks for a knob; only integers if its default is one."""
    if knob.choices is not None:
        return CategoricalDistribution(knob.choices)
    assert knob.low is not None
    assert knob.high is not None
    if isinstance(default, int):
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)


def written(space: Space) -> dict[str, dict[str, Any]]:
    """Knob -> its range or choices, and its default, as JSON keeps them."""
    attributes = {name: json.loads(distribution_to_json(where))["attributes"] for name, (where, _) in space.items()}
    return {name: attributes[name] | {"default": default} for name, (_, default) in space.items()}


def holds(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a value is one of its choices or in its range."""
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return isinstance(value, int | float) and distribution.low <= value <= distribution.high


def within(distribution: BaseDistribution, share: float) -> Any:
    """What lies this share of the way through choices or a range, on a logarithmic scale if the range has one."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(share * len(distribution.choices))]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = distribution.low, distribution.high
    value = low * (high / low) ** share if distribution.log else low + share * (high - low)
    return round(value) if isinstance(distribution, IntDistribution) else float(value)
