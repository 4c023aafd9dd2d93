"""A plan unrolled into arms: what each can search, and the runs that it can ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.base.plugin import Knob
from harness.experiment.composition import parse
from harness.experiment.instantiate import parse_strategy
from harness.experiment.keys import run_key
from harness.experiment.plan import STARTUP, Plan, Race
from harness.experiment.specs import PluginSpec, RunSpec
from harness.metrics.selection import Rule
from harness.plugins.declaration import Declaration
from harness.plugins.registry import Registry, entry_of
from harness.results.findings import Finding
from harness.results.keys import ArmId, ArmRole, RunRole
from harness.results.plan_results import PLAIN
from harness.search.job import Job
from harness.search.space import Space, distribution, within
from harness.search.storage import Journal

SHARED = ("dense_lr", "table_lr", "batch_size", "table_optimizer")
"""Knobs of training that a search may vary for every arm alike."""


ALONE = {"keep": False, "seeds_at_once": 1}
"""What trials have of training that reporting runs may have otherwise."""


@dataclass(frozen=True)
class Draw:
    """A data set with the seed that it was built with, and its key."""

    dataset: PluginSpec
    seed: int
    key: str


@dataclass(frozen=True)
class ArmPlan:
    """What an arm is made of."""

    plan: Plan
    registry: Registry
    dataset: str
    """Its label."""
    model: str
    """Its label."""
    strategy: str
    """As the plan writes it."""
    draws: tuple[Draw, ...]
    """The data set of the search, then that of each reporting seed."""
    model_spec: PluginSpec
    task: str
    """The one that the plan selects by."""
    journal: Journal | None = None
    """Of the searches; None if the plan has none."""
    role: ArmRole = ArmRole.ARM
    findings: tuple[Finding, ...] = ()
    """What in the data set would mislead."""
    apart: str = ""
    """Why its seeds cannot be trained several at once; empty: they can."""
    knobs: Mapping[ArmRole, Mapping[str, Any]] = field(default_factory=dict)
    """Searched values that are known beforehand, of the arm and of the baseline that belongs to it."""

    @property
    def id(self) -> ArmId:
        return ArmId(self.dataset, self.model, self.strategy if self.role == ArmRole.ARM else self.role)

    def baseline(self) -> ArmPlan | None:
        """The one-epoch baseline, which belongs to `none`; None for other arms and without reporting seeds.

        Its search trains at least as many epochs as that of any arm. Without a search it is the first epoch of `none`,
        unless it has knobs of its own.
        """
        if self.strategy != PLAIN or not self.plan.seeds:
            return None
        train, search = self.plan.train, self.plan.search
        search = search.model_copy(update={"trials": search.of_baseline(train.epochs), "select": Rule.ONE_EPOCH})
        known = ArmRole.ONE_EPOCH in self.knobs
        train = train.model_copy(update={"epochs": 1}) if search.trials or known else train
        return replace(
            self, role=ArmRole.ONE_EPOCH, plan=self.plan.model_copy(update={"train": train, "search": search})
        )

    @property
    def parts(self) -> list[ArmPlan]:
        """Itself, and the baseline if it belongs to it: each searches and reports by itself."""
        return [each for each in (self, self.baseline()) if each is not None]

    @property
    def most_runs(self) -> int:
        """How many runs the arm and its baseline need, if they share none; of a race, at least."""
        search, once, repeated = self.plan.search.trials, self.baseline(), self.plan.repetitions
        seeds = repeated.least if isinstance(repeated, Race) else len(self.plan.seeds)
        return search + seeds + (once.plan.search.trials + seeds if once and (search or self.knobs) else 0)

    def space(self) -> Space:
        """Every searched knob: the shared ones that the strategy does not replace, then its own that no plan fixes."""
        train, search = self.plan.train, self.plan.search
        own = self._declared()
        replaced = {name for declaration, _ in own.values() for name in declaration.replaces}
        shared = [name for name in self._shared if name not in replaced]
        space: Space = {name: _shared(getattr(search, name), getattr(train, name)) for name in shared}
        for part, (declaration, fixed) in own.items():
            for name, (default, knob) in declaration.knobs.items():
                if knob.searchable and name not in fixed:
                    space[f"{part}.{name}"] = (distribution(knob, default), default)
        return space

    def given(self, space: Space) -> dict[int, dict[str, Any]]:
        """Trial -> knobs that are not left to the sampler.

        Trial 0 has the defaults. The next ones have the same shared knobs in every arm: the points of a Halton
        sequence, scrambled by the search's seed.
        """
        from scipy.stats import qmc  # here, as it takes a second to import and a launch waits for it

        unit = qmc.Halton(len(self._shared), rng=self.plan.search.seed).random(STARTUP)
        out = {0: {name: default for name, (_, default) in space.items()}}
        for n in range(1, STARTUP):
            out[n] = {k: within(space[k][0], u) for k, u in zip(self._shared, unit[n], strict=True) if k in space}
        return out

    @property
    def _shared(self) -> list[str]:
        """The shared knobs that the plan lets the search vary."""
        return [name for name in SHARED if getattr(self.plan.search, name) is not None]

    def neutral(self) -> dict[str, Any] | None:
        """Values of the arm's own searched knobs at which it is `none`; None where it does not contain `none`, as where
        another knob that is not searched is not neutral."""
        found: dict[str, Any] = {}
        for part, (declaration, fixed) in self._declared().items():
            neutral = {n: k.neutral for n, (_, k) in declaration.knobs.items() if k.neutral is not None}
            searched = {n for n in neutral if declaration.knobs[n][1].searchable and n not in fixed}
            stay = {n: fixed.get(n, declaration.knobs[n][0]) for n in neutral.keys() - searched}
            if not searched or any(value != neutral[n] for n, value in stay.items()):
                return None
            found |= {f"{part}.{n}": neutral[n] for n in searched}
        return found

    def _declared(self) -> dict[str, tuple[Declaration, dict[str, Any]]]:
        """Strategy -> what its file declares, and the values that the arm fixes; no file is run for it."""
        entries, fixed = self.registry.strategies, parse(self.strategy, "strategy")
        return {name: (entry_of(entries, "strategy", name).declaration, given) for name, given in fixed.items()}

    def job(self, params: dict[str, Any], role: RunRole, number: int, seed: int) -> Job:
        """A run with these searched values. A trial is evaluated on valid at the ends of its epochs, as no more is read
        of it. number: of the trial, or the seed."""
        draw = self.draws[self.plan.seeds.index(number) + 1 if role == RunRole.SEED else 0]
        shared = {k: params[k] for k in SHARED if k in params}
        train = self.plan.train.model_copy(update=shared | ({} if role == RunRole.SEED else ALONE))
        parts = parse_strategy(self.strategy, self.registry)
        searched = [{k: params[n] for k in p.params if (n := f"{p.name}.{k}") in params} for p in parts]
        strategy = tuple(p.model_copy(update={"params": p.params | s}) for p, s in zip(parts, searched, strict=True))
        evaluation = self.plan.evaluation
        if role == RunRole.TRIAL:
            ends_alone = {"points": (), "test": False, "test_error": False, "probes": ()}
            evaluation = evaluation.model_copy(update=ends_alone)
        probed = (evaluation.task or self.task) if evaluation.probes else None
        spec = RunSpec(
            dataset=draw.dataset,
            data_seed=draw.seed,
            model=self.model_spec,
            strategy=strategy,
            train=train,
            evaluation=evaluation.model_copy(update={"task": probed}),
            seed=seed,
        )
        key, at_once = run_key(spec, draw.key, self.registry), 1 if self.apart else train.seeds_at_once
        return Job(key, spec, draw.key, self.id, self.task, role, number, params, at_once=at_once)


def findings_by_dataset(arms: Iterable[ArmPlan]) -> dict[str, tuple[Finding, ...]]:
    """Label of each data set -> what in it would mislead."""
    return {arm.dataset: arm.findings for arm in arms}


def data_by_label(arms: Iterable[ArmPlan]) -> dict[str, str]:
    """Label of each data set -> key of what was built; of several draws, the last."""
    return {arm.dataset: arm.draws[-1].key for arm in arms}


def about_strategies(arms: Iterable[ArmPlan]) -> dict[str, dict[str, str]]:
    """Strategy as the plan writes it -> name of each part -> what it does, its source, and its knobs."""
    found: dict[str, dict[str, str]] = {}
    for arm in arms:
        names = [part.name for part in parse_strategy(arm.strategy, arm.registry)]
        declarations = {name: entry_of(arm.registry.strategies, "strategy", name).declaration for name in names}
        found[arm.strategy] = {name: _about(declaration) for name, declaration in declarations.items()}
    return found


def _about(declaration: Declaration) -> str:
    defaults = ", ".join(f"{name} = {default!r}" for name, (default, _) in declaration.knobs.items())
    source = f" Source: {declaration.source}" if declaration.source else ""
    return f"{declaration.summary}{source}{f' Knobs, with their defaults: {defaults}.' if defaults else ''}"


def _shared(limits: Any, default: Any) -> tuple[Any, Any]:
    """Where the search looks for a shared knob, stretched to hold its default."""
    if isinstance(default, str):
        return distribution(Knob(choices=tuple(dict.fromkeys((default, *limits)))), default), default
    return distribution(Knob(min(limits[0], default), max(limits[1], default), log=True), default), default
