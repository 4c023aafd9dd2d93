"""What a submission is a submission to: plans that come with multiepoch, in which only the strategies may be others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from harness.base.errors import unknown
from harness.base.places import PLANS
from harness.experiment.composition import parse
from harness.experiment.instantiate import plugin_specs, repetitions
from harness.experiment.keys import data_key
from harness.experiment.plan import Plan, labels
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry, build
from harness.results.keys import ArmId, MetricKey
from harness.results.plan_results import PLAIN
from harness.search.arm import ArmPlan, Draw

TRACKS = ("protocol_defaults", "protocol_tuned")
"""Plans of the protocol: strategies at their defaults, and searched."""
GAIN = "truth_auc"
"""The metric of gains: free of the luck of labels. The data of every track have truth."""
FREE = ("strategies", "description")
"""Keys of a plan that a submission may change."""


def ensure_track(name: str) -> None:
    """Raises:
    UserError: no track of the protocol has this name.
    """
    if name not in TRACKS:
        raise unknown("track", name, TRACKS, "submission")


def _shipped(track: str) -> Plan:
    return load_plan(PLANS / f"{track}.toml")


def groups_of(track: str) -> list[tuple[str, str]]:
    """Labels of the data set and the model of every comparison that a track asks for, in its order."""
    plan = _shipped(track)
    return list(product(labels(plan.datasets), labels(plan.models)))


def departures(plan: Plan, track: str) -> Iterator[str]:
    """How a plan is not that of a track, a line for each key."""
    both = plan, _shipped(track)
    mine, its = (each.model_dump(mode="json", by_alias=True, exclude=set(FREE)) for each in both)
    for difference in differences(its, mine):
        yield f"the plan is not the protocol's: {difference}"
    if PLAIN not in plan.strategies or len(plan.strategies) < 2:
        yield f"the plan has strategies {', '.join(plan.strategies)}; accepted: '{PLAIN}', and one more at least"


@dataclass(frozen=True)
class Difference:
    """A value that is another than the one expected. place: its key, with dots."""

    place: str
    found: Any
    expected: Any

    def __str__(self) -> str:
        return f"{self.place} = {self.found!r}; accepted: {self.expected!r}"


def differences(expected: Any, found: Any, place: str = "") -> Iterator[Difference]:
    """The values in which nested tables differ, in the order of their keys."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in sorted(expected.keys() | found.keys()):
            yield from differences(expected.get(key), found.get(key), f"{place}.{key}" if place else key)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, pair in enumerate(zip(expected, found, strict=True)):
            yield from differences(*pair, f"{place}[{number}]")
    elif expected != found:
        yield Difference(place, found, expected)


def arms_of(plan: Plan, registry: Registry) -> dict[ArmId, ArmPlan]:
    """The arms of a plan and its baselines, laid out without building data and without running any strategy's file.

    Raises:
        UserError: the plan's data sets or models are not accepted.
    """
    datasets, models, _ = plugin_specs(plan.model_copy(update={"strategies": (PLAIN,)}), registry)
    found: dict[ArmId, ArmPlan] = {}
    for dataset, label in zip(datasets, labels(plan.datasets), strict=True):
        drawn = repetitions(dataset, plan, registry)
        draws = tuple(Draw(spec, seed, data_key(spec, seed, registry)) for spec, seed in drawn)
        for model, model_label in zip(models, labels(plan.models), strict=True):
            for text in plan.strategies:
                task = str(plan.search.task)
                arm = ArmPlan(plan, registry, label, model_label, text, draws, model, task)
                found |= {part.id: part for part in arm.parts}
    return found


def judged_by(plan: Plan) -> tuple[MetricKey, ...]:
    """What a submission is judged by at the ends of epochs: what gains are in, and what chooses epochs and trials."""
    metric, task = plan.search.metric, str(plan.search.task)
    return MetricKey("test", GAIN, task), MetricKey("test", metric, task), MetricKey("valid", metric, task)


def made_of(arms: Iterable[ArmPlan]) -> dict[str, dict[str, Any]]:
    """Label of each data set -> its version, and the keys of its draws, that of the search first."""
    found = {}
    for arm in arms:
        dataset = arm.draws[0].dataset
        version = build(arm.registry.datasets, "data set", dataset.name, dataset.params).version
        found[arm.dataset] = {"version": version, "draws": [draw.key for draw in arm.draws]}
    return found


def used(plan: Plan) -> list[str]:
    """Names of the strategies of a plan, each once.

    Raises:
        UserError: one cannot be read.
    """
    return list(dict.fromkeys(name for text in plan.strategies for name in parse(text, f"plan '{plan.name}'")))
