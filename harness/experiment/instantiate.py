"""From what a plan names to plug-ins with every parameter checked and written out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from harness.api import Dataset, Model, Strategy, UserError
from harness.base.errors import unknown
from harness.base.plugin import Plugin, params
from harness.experiment.composition import fixed_params, parse
from harness.experiment.plan import Plan
from harness.experiment.specs import PluginSpec, RunSpec, TrainSpec
from harness.plugins.registry import Entry, Registry, build, entry_of

P = TypeVar("P", bound=Plugin)


def plugin_specs(
    plan: Plan, registry: Registry
) -> tuple[tuple[PluginSpec, ...], tuple[PluginSpec, ...], tuple[tuple[PluginSpec, ...], ...]]:
    """The plan's data sets, models and strategies as plug-in specs, every parameter checked and written out."""
    datasets = tuple(_named(registry.datasets, "data set", d, plan.name) for d in plan.datasets)
    models = tuple(_named(registry.models, "model", m, plan.name) for m in plan.models)
    strategies = tuple(parse_strategy(s, registry, f"plan '{plan.name}'") for s in plan.strategies)
    meant = [(parts, fixed_params(text)) for parts, text in zip(strategies, plan.strategies, strict=True)]
    for text, this in zip(plan.strategies, meant, strict=True):
        if text != (first := plan.strategies[meant.index(this)]):
            raise UserError(f"plan '{plan.name}': strategy '{text}' is '{first}' again")
    return datasets, models, strategies


def repetitions(dataset: PluginSpec, plan: Plan, registry: Registry) -> list[tuple[PluginSpec, int]]:
    """Data set and data seed of a plan's search, then of each of its reporting seeds, in their order.

    Where repetitions are draws, the n-th seed has the n-th draw after that of the search, unless the data set has time
    origins for them.

    Raises:
        UserError: the data set has none for so many seeds.
    """
    plugin = build(registry.datasets, "data set", dataset.name, dataset.params)
    changes = [plugin.repetition(number) for number in range(max(1, len(plan.seeds)))]
    found = [dataset.model_copy(update={"params": dataset.params | change}) for change in changes]
    step = int(plan.draws and not any(changes))
    draws = [(spec, plan.data_seed + step * n) for n, spec in enumerate(found[: len(plan.seeds)], start=1)]
    return [(found[0], plan.data_seed), *draws]


def parse_strategy(text: str, registry: Registry, where: str = "strategy") -> tuple[PluginSpec, ...]:
    """`hashing(ratio=0.1)+reinit` -> one spec per part, defaults filled in.

    Raises:
        UserError: it cannot be read, names one strategy twice, holds an unknown name or a value out of range, or two of
            its parts replace the same training knob.
    """
    named = parse(text, where)
    parts = tuple(_named(registry.strategies, "strategy", {"name": n, **p}, where) for n, p in named.items())
    replaced: dict[str, str] = {}
    for name in named:
        for knob in entry_of(registry.strategies, "strategy", name).cls.replaces:
            if knob not in TrainSpec.model_fields:
                raise unknown(f"training knob that strategy '{name}' replaces", knob, TrainSpec.model_fields, where)
            if (other := replaced.setdefault(knob, name)) != name:
                raise UserError(f"{where}: strategy '{text}': both {other} and {name} replace {knob}; accepted: one")
    return parts


def instances(spec: RunSpec, registry: Registry) -> tuple[Dataset, Model, tuple[Strategy, ...]]:
    """The plug-ins of a run, built from its spec."""
    return (
        build(registry.datasets, "data set", spec.dataset.name, spec.dataset.params),
        build(registry.models, "model", spec.model.name, spec.model.params),
        strategies_of(spec.strategy, registry),
    )


def strategies_of(parts: Iterable[PluginSpec], registry: Registry) -> tuple[Strategy, ...]:
    """The strategies of an arm, built from the specs that `parse_strategy` gives."""
    return tuple(build(registry.strategies, "strategy", part.name, part.params) for part in parts)


def _named(entries: dict[str, Entry[P]], what: str, values: dict[str, Any], where: str) -> PluginSpec:
    if "name" not in values:
        raise UserError(f"{where}: a {what} has no name; accepted: {', '.join(sorted(entries))}")
    given = {k: v for k, v in values.items() if k not in ("name", "label")}
    plugin = build(entries, what, str(values["name"]), given, where)
    return PluginSpec(name=plugin.name, params=params(plugin))
