"""`multiepoch diagnose`: a verdict on a log of one's own, within a time that is named."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.analysis.analysis import Analysis
from harness.api import Model
from harness.base.durations import duration
from harness.base.errors import UserError
from harness.base.files import ensure_writable
from harness.commands.schema import schema_at
from harness.data.guess.asked import Asked
from harness.diagnose import asked, log, power, sizing, tails
from harness.diagnose.asked import NAME, Question
from harness.diagnose.deadline import Deadline, TimeIsUp
from harness.diagnose.log import Log
from harness.diagnose.sizing import Size
from harness.diagnose.verdict import Verdict, verdict_of
from harness.diagnose.written import met, write
from harness.engine.network import check_fits
from harness.execution.launchers.where import Where
from harness.execution.prepare import prepare
from harness.execution.run_plan import run_plan
from harness.execution.said import Said
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry, build
from harness.tracking.factory import Kind

ANSWERED, FAILED_ON, CANNOT_TELL, INTERRUPTED = 0, 1, 3, 130
"""Exit statuses; 2 is bad input."""
TELLS = 0.001
"""Gain in AUC that is worth having."""
LEFT_FOR_THE_END = 10.0
"""Seconds of the budget for reading results and writing pages."""


@dataclass(frozen=True)
class Options:
    """Of the command. labels: of the schema, or columns to make it of."""

    source: str
    labels: tuple[str, ...]
    time: str | None
    schema: Path | None
    budget: str
    model: str
    out: Path
    workers: int
    fail_on: tuple[str, ...]
    tracker: Kind


def diagnose(console: Console, options: Options) -> int:
    """Read, check, plan, train and judge; the exit status says how it went."""
    begun, registry = time.monotonic(), Registry()
    seconds, model = _seconds(options.budget), build(registry.models, "model", options.model, {})
    ensure_writable(options.out)
    schema = _schema(console, options)
    known = _log(console, options, schema, registry)
    asked_for = options.source, known.key, str(schema), options.labels, options.model
    question = Question(*asked_for, seconds, options.workers)
    size, plan = _planned(console, options, question, known, model, begun)
    left = seconds - (time.monotonic() - begun) - LEFT_FOR_THE_END
    complete, stopped = _train(console, options, plan, registry, left)
    found = _judged(console, options, known, size, complete)
    if stopped:
        return INTERRUPTED
    if any(met(found, each) for each in options.fail_on):
        return FAILED_ON
    return ANSWERED if found.answered else CANNOT_TELL


def _seconds(budget: str) -> float:
    try:
        return float(duration(budget))
    except ValueError as error:
        raise UserError(f"--budget: {error}") from error


def _schema(console: Console, options: Options) -> Path:
    """The one given; the one that an earlier diagnosis left; or a first guess."""
    if options.schema is not None:
        return options.schema
    asked_for = Asked(options.labels, options.time)
    return schema_at(console, options.out / "schema.toml", options.source, asked_for)


def _log(console: Console, options: Options, schema: Path, registry: Registry) -> Log:
    dataset = asked.dataset_of(options.source, str(schema), options.labels)
    with Said(console, "reading and checking the data") as say:
        known = log.built(dataset, dataset["labels"], registry, options.out, say)
    for finding in known.findings:
        console.print(str(finding), style="yellow", markup=False, highlight=False, soft_wrap=True)
    return known


def _planned(
    console: Console, options: Options, question: Question, known: Log, model: Model, begun: float
) -> tuple[Size, Plan]:
    """What fits into the time, written down before anything is trained; or what was, for the same question."""
    path = options.out / "plan.json"
    if (kept := asked.planned(path, question)) is not None:
        console.print(f"going on with {kept[0]}", highlight=False, soft_wrap=True)
        return kept
    check_fits(model, known.data)
    batch = asked.batch_size(len(known.data.train))
    with console.status("measuring a step and an evaluation"):
        cost = sizing.measure(known.data, model, asked.batches(batch))
    left = question.seconds - (time.monotonic() - begun) - LEFT_FOR_THE_END
    size = sizing.fitting(cost, options.workers, left)
    if size is None:
        least = sizing.SIZES[0].seconds(cost, options.workers) + question.seconds - left
        raise UserError(
            f"--budget {options.budget}: even {sizing.SIZES[0]} take about {_told(least)} here, at "
            f"{cost.epoch:.0f} s an epoch; accepted: --budget {int(least // 60) + 1}m or more, or fewer rows"
        )
    strategies = tails.likely(known.data)
    plan = asked.plan_of(question, size, strategies, batch, known.task)
    expected = size.seconds(cost, options.workers)
    asked.write(path, question, size, plan, expected)
    trained = f"{size.long} runs of them and {size.short} of one epoch, about {_told(expected)}"
    console.print(f"plan: {', '.join(plan.strategies)}; {size}: {trained}", highlight=False, soft_wrap=True)
    console.print(_power(known), highlight=False, soft_wrap=True)
    return size, plan


def _power(known: Log) -> str:
    """What can be told, before anything is trained."""
    task, test = known.data.tasks.index(known.task), len(known.data.test)
    if (least := power.smallest_gain(known.data, task)) <= TELLS:
        return f"a gain of about {least:.4f} in test AUC can be told, from {test:,} test rows"
    rows = power.rows_for(known.data, task, TELLS)
    return (
        f"a gain of about {least:.4f} in test AUC can be told, from {test:,} test rows; {TELLS:g} would take {rows:,}"
    )


def _train(console: Console, options: Options, plan: Plan, registry: Registry, seconds: float) -> tuple[bool, bool]:
    """Whether all of the plan is done, and whether somebody stopped it."""
    with Said(console, "checking the plan") as say:
        arms = prepare(plan, registry, options.out, say)
    try:
        run_plan(console, plan, arms, options.out, Where(workers=options.workers), options.tracker, [Deadline(seconds)])
    except TimeIsUp:
        console.print("time is up: this is the verdict of what was trained", highlight=False)
        return False, False
    except KeyboardInterrupt:
        console.print("stopped: this is the verdict of what was trained; the same command goes on", highlight=False)
        return False, True
    return True, False


def _judged(console: Console, options: Options, known: Log, size: Size, complete: bool) -> Verdict:
    """Write and print what it came to."""
    from harness.diagnose import page
    from harness.report.write import analyse, write_report

    analysis: Analysis = analyse(options.out, NAME)
    if not analysis.groups:
        raise UserError(
            f"--budget {options.budget}: no search was done in time; accepted: the same command again, which goes on"
        )
    told = power.smallest_gain(known.data, known.data.tasks.index(known.task))
    found = verdict_of(analysis.groups[0], tails.rare_shares(known.data), told, complete)
    write(found, json.loads((options.out / "plan.json").read_text()), options.out)
    page.write(found, analysis, f"{size}.", options.out / "verdict.html")
    write_report(options.out, [NAME], known=[analysis])
    console.print(f"\n[bold]{found.headline}[/]", highlight=False, soft_wrap=True)
    for title, text in found.lines.items():
        console.print(f"  {title}: {text}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"\n{options.out / 'verdict.html'}", highlight=False, soft_wrap=True)
    return found


def _told(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
