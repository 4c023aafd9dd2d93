"""`multiepoch tune`: search one strategy's knobs, on a plan's data and model."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.analysis.expected_best import budgets, expected_best
from harness.base.errors import UserError
from harness.base.plugin import shown
from harness.base.terminal import explained, print_plain
from harness.execution.launchers.where import Where
from harness.execution.progress import failures
from harness.execution.run_plan import checked, pages, run_plan
from harness.experiment.composition import fixed_params
from harness.experiment.instantiate import parse_strategy
from harness.experiment.plan import Plan
from harness.experiment.plan_file import beside, load_plan
from harness.metrics import curves
from harness.metrics.catalog import measured, sign_of
from harness.metrics.selection import choose
from harness.plugins.registry import Registry
from harness.results.keys import Status
from harness.results.plan_results import Arm, Trial
from harness.results.run_reader import done
from harness.tracking.factory import Kind


def tune_one(
    console: Console,
    strategy: str,
    plan_name: str,
    trials: int | None,
    results: Path,
    where: Where,
    plugins: Path | None,
    overrides: list[str] | None,
    *,
    tracker: Kind,
) -> int:
    """Search one strategy, and print its trials and the winner. The study is the plan's own: `benchmark` goes on
    with it, looking at no more trials than the plan has."""
    plan, registry = load_plan(plan_name, overrides), Registry(plugins)
    parse_strategy(strategy, registry, "argument")
    search = plan.search.model_copy(update={} if trials is None else {"trials": trials})
    if not search.trials:
        raise UserError(f"plan '{plan.name}' has search.trials = 0; say how many with --trials")
    searched = plan.model_copy(update={"strategies": (strategy,), "seeds": (), "search": search})
    plan = beside(searched, "tune", f"plan '{plan_name}'")
    arms = checked(console, searched, registry, results, where)
    result, display, tracking = run_plan(console, plan, arms, results, where, tracker)
    for arm, source in zip(result.arms, arms, strict=True):
        console.print(_trials(arm, source.task, plan, results))
        console.print(explained(_words(source.task, plan)))
        print_plain(console, _expected(arm, sign_of(plan.search.metric)))
        again = _options(plan_name, results, plugins, overrides)
        print_plain(console, _winner(arm, registry, again))
    print_plain(console, "\n".join(["", *pages(results, tracking, plan)]))
    return failures(console, display)


def _trials(arm: Arm, task: str, plan: Plan, results: Path) -> Table:
    """A line per trial: what it reached, and with which knobs."""
    metric, rule = plan.search.metric, plan.search.select
    table = Table(box=None, header_style="dim", title=f"{arm.id}, valid {measured(task, metric)}", title_justify="left")
    for name in ("trial", rule, "epoch", "gain over\nown epoch 1", "logloss jump\nat boundary"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("knobs, and key of the records")
    for trial in arm.trials:
        knobs = ", ".join(f"{name} = {shown(value)}" for name, value in trial.params.items())
        cells = (str(trial.number), *_reached(trial, metric, task, rule, results), f"{knobs}\n[dim]{trial.key}[/]")
        table.add_row(*cells, style="bold" if trial.params == arm.chosen else "")
    return table


def _words(task: str, plan: Plan) -> Iterator[tuple[str, str]]:
    """What the columns tell; of a plan's own keys, where they stand."""
    rule = plan.search.select
    yield rule, f"valid {measured(task, plan.search.metric)} at the epoch that search.select = '{rule}' picks"
    yield "gain over own epoch 1", "what the trial gained after its first epoch, positive where it is better"
    yield "logloss jump at boundary", "from the end of epoch 1 to the first evaluation of epoch 2"
    yield "bold", "the winner"


def _expected(arm: Arm, sign: int) -> str:
    """What fewer trials would have reached."""
    values = [trial.value for trial in arm.trials if trial.value is not None]
    found = [f"{expected_best(values, k, sign):.4f} after {k}" for k in budgets(len(values)) if values]
    return f"expected best, of trials drawn from these: {', '.join(found)}" if found else ""


def _reached(trial: Trial, metric: str, task: str, rule: str, results: Path) -> list[str]:
    run = done(results / "runs", trial.key)
    if trial.value is None or run is None:
        return [Status.FAILED, "", "", ""]
    epoch, value = choose(rule, metric, task, run.records)
    gain = sign_of(metric) * (value - curves.ends(run.records, metric, task)[1])
    jump = curves.boundary_jump(run.records, run.spec, task)
    return [f"{value:.4f}", str(epoch), f"{gain:+.4f}", "" if jump is None else f"{jump:+.4f}"]


def _options(plan_name: str, results: Path, plugins: Path | None, overrides: list[str] | None) -> list[str]:
    """What a command was given, for another one on the same plan."""
    given = ["--plan", plan_name, "--results", str(results)]
    given += ["--plugins", str(plugins)] if plugins else []
    return given + [word for override in overrides or () for word in ("--set", override)]


def _winner(arm: Arm, registry: Registry, options: list[str]) -> str:
    """The chosen knobs, as arguments of `multiepoch run`."""
    if not arm.chosen:
        return "no trial finished"
    best = next(t for t in arm.trials if t.params == arm.chosen)
    shared = [word for k, v in arm.chosen.items() if "." not in k for word in ("--set", f"train.{k}={v!r}")]
    command = ["multiepoch", "run", _written(arm.strategy, arm.chosen, registry), *options, *shared]
    return f"winner by {arm.select}: trial {best.number}\n{shlex.join(command)}"


def _written(strategy: str, chosen: dict[str, Any], registry: Registry) -> str:
    """A strategy expression with the chosen knobs written into it."""
    fixed, parts = fixed_params(strategy), []
    for part in parse_strategy(strategy, registry):
        values = {k: chosen.get(f"{part.name}.{k}", value) for k, value in part.params.items()}
        written = [f"{k}={v!r}" for k, v in values.items() if k in fixed[part.name] or f"{part.name}.{k}" in chosen]
        parts.append(f"{part.name}({', '.join(written)})" if written else part.name)
    return "+".join(parts)
