"""A plan unrolled into arms: each searches its knobs, then trains its winner on fresh seeds.

An arm is a generator that yields the runs it wants next and is sent their results; whoever drives it decides where
and when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any

from harness.plugin import Knob, knobs
from harness.records import Arm, Run, Trial
from harness.registry import Registry, entry_of
from harness.select import METRICS, choose
from harness.spec import Plan, PluginSpec, RunSpec, fixed_params, parse_strategy, run_key
from harness.tune import Journal, Search, Space, distribution

SHARED = ("dense_lr", "table_lr")


@dataclass(frozen=True)
class Job:
    """One run that an arm wants. role: trial or seed; number: of the trial, or the seed."""

    key: str
    spec: RunSpec
    data: str
    arm: str
    role: str
    number: int
    varying: dict[str, Any] = field(default_factory=dict)


Jobs = Generator[list[Job], list[Run], list[Arm]]


@dataclass(frozen=True)
class ArmPlan:
    """What an arm is made of. dataset and model: labels; strategy: as written in the plan."""

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
    mlflow_run: Callable[[str], str | None] | None = None

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


def drive(arm: ArmPlan) -> Jobs:
    """Search, then train the winner on the reporting seeds; `none` also gives the one-epoch baseline."""
    rule = arm.plan.search.select
    trials = yield from _search(arm)
    arms = [(yield from _report(arm, "arm", rule, trials, None))]
    if arm.strategy == "none":
        arms.append((yield from _report(arm, "one_epoch", "one_epoch", trials, arms[0].chosen)))
    return arms


Tried = list[tuple[Trial, Run]]


def _search(arm: ArmPlan) -> Generator[list[Job], list[Run], Tried]:
    """Run the study's remaining trials, one at a time; nothing where the plan has no budget."""
    plan, done = arm.plan.search, Tried()
    if arm.journal is None:
        return done
    space = arm.space()
    first = arm.job({name: default for name, (_, default) in space.items()}, "trial", 0, plan.seed)
    name, larger = f"{arm.plan.name}: {arm.id}", METRICS[plan.metric] > 0
    study = Search(arm.journal, name, space, first.key, plan.trials, plan.seed, larger)
    study.describe(metric=f"valid/{plan.metric}/{arm.task}", rule=plan.select, **{"data set": arm.dataset})
    for trial in study.finished():
        (run,) = yield [arm.job(trial.params, "trial", trial.number, trial.seed)]
        done.append((trial, run))
    while (asked := study.ask()) is not None:
        job = arm.job(asked.params, "trial", asked.number, asked.seed)
        (run,) = yield [job]
        trial = replace(asked, key=job.key, value=_value(arm, plan.select, run))
        run_id = arm.mlflow_run(job.key) if arm.mlflow_run else None
        study.tell(trial, **({} if run_id is None else {"mlflow_run": run_id}))
        done.append((trial, run))
    return done


def _report(
    arm: ArmPlan, role: str, rule: str, trials: Tried, shared: dict[str, Any] | None
) -> Generator[list[Job], list[Run], Arm]:
    """Train the winner under `rule`; a one-epoch winner other than the `shared` one is trained for one epoch only."""
    sign = METRICS[arm.plan.search.metric]
    values = [(value, t.params) for t, run in trials if (value := _value(arm, rule, run)) is not None]
    chosen = max(values, key=lambda v: sign * v[0])[1] if values else {}
    epochs = 1 if rule == "one_epoch" and chosen != shared else None
    jobs = [] if trials and not values else [arm.job(chosen, "seed", s, s, epochs) for s in arm.plan.seeds]
    yield jobs
    return Arm(
        dataset=arm.dataset,
        model=arm.model,
        strategy=arm.strategy,
        role=role,
        select=rule,
        tuned=bool(trials),
        chosen=chosen,
        trials=tuple(trial for trial, _ in trials),
        runs={job.number: job.key for job in jobs},
    )


def _value(arm: ArmPlan, rule: str, run: Run) -> float | None:
    """What a run is worth under a rule; None: it failed."""
    return choose(rule, arm.plan.search.metric, arm.task, run.records)[1] if run.status == "finished" else None


def _shared(limits: tuple[float, float], default: float) -> tuple[Any, float]:
    """A learning rate's search range, stretched to hold its default."""
    return distribution(Knob(min(limits[0], default), max(limits[1], default), log=True), default), default
