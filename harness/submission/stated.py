"""What a submission states of its data sets and runs, and what its plan asks for, as the two are compared.

One version of a data set is the same rows, whatever code makes them. So the keys of its draws, which hold the code, are
taken as they are stated: an edited generator voids nothing, and a rerun tells other rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from harness.experiment.composition import parse
from harness.experiment.specs import PluginSpec, RunSpec
from harness.plugins.registry import Registry, entry_of
from harness.results.keys import RunRole
from harness.results.plan_results import PLAIN
from harness.search.arm import SHARED, ArmPlan
from harness.submission.protocol import Difference, differences, made_of

Made = dict[str, dict[str, Any]]
"""Label of each data set -> its version, and the keys of its draws, as `made_of` gives it."""


def other_versions(planned: Iterable[ArmPlan], stated: Made) -> Iterator[Difference]:
    """Where data sets are stated to be of other versions than those of the plan, or to have another number of draws."""
    return differences(_counted(made_of(planned)), _counted(stated))


def one_for_several(planned: Iterable[ArmPlan], stated: Made) -> Iterator[str]:
    """Draws that are others by the plan, and one by their stated key."""
    first: dict[str, tuple[str, str]] = {}
    for label, made in made_of(planned).items():
        for number, (asked, key) in enumerate(zip(made["draws"], stated.get(label, made)["draws"], strict=False)):
            place = f"{label}.draws[{number}]"
            there, its = first.setdefault(key, (place, asked))
            if its != asked:
                yield f"{place} = {key!r} is stated of {there} too; accepted: a key of its own for every draw"


def with_keys(arm: ArmPlan, stated: Made) -> ArmPlan:
    """An arm whose draws have the keys that are stated."""
    draws = zip(arm.draws, stated.get(arm.dataset, {}).get("draws", ()), strict=False)
    return replace(arm, draws=tuple(replace(draw, key=key) for draw, key in draws))


def as_now(spec: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """A spec with the knobs that its data set has got since, where what they are by default changes nothing."""
    dataset = spec["dataset"]
    knobs = entry_of(registry.datasets, "data set", dataset["name"]).declaration.knobs
    unchanging = {name: default for name, (default, knob) in knobs.items() if default == knob.neutral}
    return spec | {"dataset": dataset | {"params": unchanging | dataset["params"]}}


def expected(
    arm: ArmPlan, params: dict[str, Any], role: RunRole, number: int, seed: int, registry: Registry
) -> tuple[RunSpec, str]:
    """The spec of a run, the plain one with a strategy's knobs as it declares them, and the key of its data."""
    shared = {name: value for name, value in params.items() if name in SHARED}
    plain = replace(arm, strategy=PLAIN).job(shared, role, number, seed)
    return plain.spec.model_copy(update={"strategy": tuple(_parts(arm.strategy, params, registry))}), plain.data


def _counted(made: Made) -> Made:
    """Data sets with the number of their draws in place of the keys."""
    return {label: about | {"draws": len(about["draws"])} for label, about in made.items()}


def _parts(text: str, params: dict[str, Any], registry: Registry) -> Iterator[PluginSpec]:
    for name, given in parse(text, "plan").items():
        knobs = entry_of(registry.strategies, "strategy", name).declaration.knobs
        values = {k: params.get(f"{name}.{k}", given.get(k, default)) for k, (default, _) in knobs.items()}
        yield PluginSpec(name=name, params=values)
