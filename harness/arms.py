"""A plan unrolled into arms: what each can search, and the runs that it can ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.plugin import Knob, knobs
from harness.registry import Registry, entry_of
from harness.spec import Plan, PluginSpec, RunSpec, fixed_params, parse_strategy, run_key
from harness.tune import Journal, Space, distribution

SHARED = ("dense_lr", "table_lr")


@dataclass(frozen=True)
class Job:
    """One run that an arm wants.

    role: trial or seed; number: of the trial, or the seed. varying: the searched values. page: of a trial, as in Trial.
    """

    key: str
    spec: RunSpec
    data: str
    arm: str
    role: str
    number: int
    varying: dict[str, Any] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True)
class ArmPlan:
    """What an arm is made of.

    dataset and model: labels; strategy: as in the plan. links: key -> what a trial says about its MLflow run.
    """

    plan: Plan
    registry: Registry
    dataset: str
    model: str
    strategy: str
    data: str
    dataset_spec: PluginSpec
    model_spec: PluginSpec
    task: str
    journal: Journal | None = None
    links: Callable[[str], dict[str, str]] = lambda key: {}

    @property
    def id(self) -> str:
        return f"{self.dataset}/{self.model}/{self.strategy}"

    def space(self) -> Space:
        """Every searched knob: the shared ones, then those of the strategy that the plan does not fix."""
        train, search = self.plan.train, self.plan.search
        space: Space = {name: _shared(getattr(search, name), getattr(train, name)) for name in SHARED}
        fixed = fixed_params(self.strategy)
        for part in parse_strategy(self.strategy, self.registry):
            cls = entry_of(self.registry.strategies, "strategy", part.name).cls
            for name, knob in knobs(cls).items():
                if knob.searchable and name not in fixed[part.name]:
                    space[f"{part.name}.{name}"] = (distribution(knob, part.params[name]), part.params[name])
        return space

    def job(self, params: dict[str, Any], role: str, number: int, seed: int, epochs: int | None = None) -> Job:
        """A run with these searched values; trials do not read the test split."""
        train = self.plan.train.model_copy(update={k: params[k] for k in SHARED if k in params})
        if epochs is not None:
            train = train.model_copy(update={"epochs": epochs})
        parts = parse_strategy(self.strategy, self.registry)
        searched = [{k: params[n] for k in p.params if (n := f"{p.name}.{k}") in params} for p in parts]
        strategy = tuple(p.model_copy(update={"params": p.params | s}) for p, s in zip(parts, searched, strict=True))
        spec = RunSpec(
            dataset=self.dataset_spec,
            data_seed=self.plan.data_seed,
            model=self.model_spec,
            strategy=strategy,
            train=train,
            evaluation=self.plan.evaluation.model_copy(update={"test": role == "seed"}),
            seed=seed,
        )
        arm = self.id if epochs is None else f"{self.dataset}/{self.model}/one_epoch"
        return Job(run_key(spec, self.data, self.registry), spec, self.data, arm, role, number, params)


def _shared(limits: tuple[float, float], default: float) -> tuple[Any, float]:
    """A learning rate's search range, stretched to hold its default."""
    return distribution(Knob(min(limits[0], default), max(limits[1], default), log=True), default), default
