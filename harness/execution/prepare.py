"""Check a whole plan, build its data, and lay out its arms, before anything is trained."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from harness.api import Model, Strategy
from harness.base.digests import digest_of
from harness.base.errors import UserError, unknown
from harness.base.files import ensure_writable
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.indexed_dataset import IndexedDataset
from harness.data.leaks.checks import findings_of
from harness.data.meter import Say, silent
from harness.data.windows import Windows
from harness.engine import warm_start
from harness.engine.checkpoint import State
from harness.engine.evaluator import defined
from harness.engine.group import apart
from harness.engine.network import check_fits
from harness.experiment.instantiate import plugin_specs, repetitions, strategies_of
from harness.experiment.plan import Plan, labels
from harness.experiment.specs import PluginSpec
from harness.metrics.catalog import METRICS, PROBES, SELECTABLE, Needs
from harness.plugins.registry import Registry, build
from harness.results.plan_results import ensure_usable, state_file
from harness.search.arm import ArmPlan, Draw
from harness.search.storage import open_journal


def prepare(
    plan: Plan, registry: Registry, results: Path, say: Say = silent, seen: Collection[str] = ()
) -> list[ArmPlan]:
    """Check the whole plan, build and check its data sets, and lay out its arms. say: told how far it is. seen: as of
    `build_data`.

    Raises:
        UserError: anything in the plan or its data is not accepted.
    """
    datasets, models, strategies = plugin_specs(plan, registry)
    ensure_writable(results)
    ensure_usable(results, plan.name)
    plan = _start_found(plan, results)
    state = None if plan.train.start is None else warm_start.read(plan.train.start)
    journal = open_journal(results) if plan.search.trials else None
    arms = []
    for dataset, label in zip(datasets, labels(plan.datasets), strict=True):
        draws = _built(dataset, label, plan, registry, results, say, seen)
        data, found = indexed.load(data_folder(results, draws[0].key)), findings_of(data_folder(results, draws[-1].key))
        task = _task(plan, data, label)
        if (continual := plan.train.continual) is not None:
            Windows(data, continual.windows).check(data.tasks.index(task))
        for model, model_label in zip(models, labels(plan.models), strict=True):
            net = build(registry.models, "model", model.name, model.params)
            check_fits(net, data)
            if state is not None:
                _check_start(state, plan, net, strategies, data, registry)
            arms += [
                ArmPlan(
                    plan, registry, label, model_label, text, draws, model, task, journal, findings=found,
                    apart=_apart(plan, net, strategies_of(parts, registry), draws, results),
                )
                for text, parts in zip(plan.strategies, strategies, strict=True)
            ]  # fmt: skip
    return arms


def _apart(
    plan: Plan, model: Model, strategies: Sequence[Strategy], draws: Sequence[Draw], results: Path
) -> str:  # fmt: skip
    """Why seeds of an arm cannot be trained several at once, where the plan asks for it."""
    if plan.train.seeds_at_once == 1:
        return ""
    keys = dict.fromkeys(draw.key for draw in draws[1:] or draws)
    datasets = [indexed.load(data_folder(results, key)) for key in keys]
    return apart(model, strategies, datasets, plan.train, plan.evaluation)


def _start_found(plan: Plan, results: Path) -> Plan:
    """The plan with the file of the state that its runs begin with, and its digest.

    Raises:
        UserError: there is no such file or run, or the file is damaged.
    """
    if (start := plan.train.start) is None:
        return plan
    kept = state_file(results, start.source)
    path = next((path for path in (Path(start.source), kept) if path.is_file()), None)
    if path is None:
        known = [each.stem for each in kept.parent.glob("*.pt")]
        what = "file, or run that kept its state,"
        raise unknown(what, start.source, known, f"plan '{plan.name}': train.start.source")
    warm_start.ensure_whole(path)
    start = start.model_copy(update={"source": str(path.resolve()), "digest": digest_of(path)})
    return plan.model_copy(update={"train": plan.train.model_copy(update={"start": start})})


def _check_start(
    state: State, plan: Plan, model: Model, strategies: tuple[tuple[PluginSpec, ...], ...],
    data: IndexedDataset, registry: Registry,
) -> None:  # fmt: skip
    """Refuse a state that an arm cannot begin with. A strategy whose optimiser is searched is left to its runs."""
    assert plan.train.start is not None
    for parts in strategies:
        warm_start.check(state, plan.train.start, model, strategies_of(parts, registry), data, plan.train)


def _built(
    dataset: PluginSpec, label: str, plan: Plan, registry: Registry, results: Path, say: Say, seen: Collection[str]
) -> tuple[Draw, ...]:
    """The data set of the search, then that of each reporting seed, each built once."""
    draws: list[Draw] = []
    for spec, seed in repetitions(dataset, plan, registry):
        if seed != plan.data_seed:
            _ensure_generated(draws[0], label, plan, results)
        same = next((draw for draw in draws if (draw.dataset, draw.seed) == (spec, seed)), None)
        draws.append(same or Draw(spec, seed, build_data(spec, seed, registry, results, say, seen)))
    return tuple(draws)


def _ensure_generated(draw: Draw, label: str, plan: Plan, results: Path) -> None:
    """Raises: UserError: the data are none of which another seed gives fresh rows."""
    if indexed.load(data_folder(results, draw.key)).test.truth_NT is None:
        raise UserError(
            f"plan '{plan.name}': repetitions are draws: data set '{label}' is not generated, as its probabilities are "
            "not known; accepted: repetitions = 'seeds', or time origins for each seed, by split.rolling in its schema"
        )


def _task(plan: Plan, data: IndexedDataset, label: str) -> str:
    """The task that the plan selects by; it, the metric and the probes must exist on this data."""
    task, metric = plan.search.task or data.tasks[0], plan.search.metric
    for name, place in ((task, "search"), (plan.evaluation.task or task, "evaluation")):
        if name not in data.tasks:
            raise unknown("task", name, data.tasks, f"plan '{plan.name}': {place}.task")
    needs = METRICS[metric].needs
    if {Needs.GROUPS: data.valid.group_N, Needs.TRUTH: data.valid.truth_NT}.get(needs, True) is None:
        raise UserError(f"plan '{plan.name}': search.metric = '{metric}': data set '{label}' has no {needs}")
    if METRICS[metric].needs in (Needs.GROUPS, Needs.TRUTH) or plan.evaluation.most is not None:
        there = {key.metric for key in defined(data, plan.evaluation) if key.task == task}
        if metric not in there:
            raise UserError(
                f"plan '{plan.name}': search.metric = '{metric}' ({METRICS[metric].meaning}) has no value on valid of "
                f"data set '{label}'; accepted: {', '.join(sorted(there & SELECTABLE.keys()))}"
            )
    of_truth = {name for name, probe in PROBES.items() if probe.needs == Needs.TRUTH}
    blind = sorted(of_truth.intersection(plan.evaluation.probes)) if data.train.truth_NT is None else []
    if blind:
        raise UserError(
            f"plan '{plan.name}': evaluation.probes: '{blind[0]}': data set '{label}' has no known probabilities; "
            f"accepted: {', '.join(sorted(PROBES.keys() - of_truth))}"
        )
    return task
