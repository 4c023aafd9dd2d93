"""`multiepoch diagnose`: a verdict on a log of one's own, within a time that is named."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from harness.analysis.analysis import Analysis
from harness.api import Model
from harness.base.durations import duration
from harness.base.errors import UserError
from harness.base.exits import Exit
from harness.base.files import ensure_writable
from harness.base.notice import TimeIsUp
from harness.base.terminal import print_plain
from harness.commands.diagnose_again import Beside
from harness.commands.diagnose_plan import Planned, planned
from harness.commands.schema import schema_at
from harness.data.guess.asked import Asked
from harness.data.guess.columns import plain
from harness.diagnose import asked, log, power, second_split, subsample, tails
from harness.diagnose.asked import NAME, Question
from harness.diagnose.ladder import RUNGS, Ladder, ladder_of, shares_of_buckets
from harness.diagnose.log import Log
from harness.diagnose.race import Referee
from harness.diagnose.second_split import SecondSplit
from harness.diagnose.subsample import Sampled
from harness.diagnose.verdict import Verdict, verdict_of
from harness.diagnose.written import clear, met, met_by_none, write
from harness.execution.launchers.where import Where
from harness.execution.lock import locked
from harness.execution.prepare import prepare
from harness.execution.run_plan import run_plan
from harness.execution.said import Said
from harness.plugins.registry import Registry, build
from harness.tracking.factory import Kind

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


def diagnose(console: Console, options: Options) -> Exit:
    """Read, check, plan, train and judge."""
    begun, registry = time.monotonic(), Registry()
    if Path(options.source).suffix == ".toml":
        accepted = f"a table file, a folder of them, or a pattern, with --schema '{options.source}'"
        raise UserError(f"diagnose: '{options.source}' is no table; accepted: {accepted}")
    seconds, model = _seconds(options.budget), build(registry.models, "model", options.model, {})
    until = begun + seconds - LEFT_FOR_THE_END
    ensure_writable(options.out)
    schema = _schema(console, options)
    options = replace(options, labels=tuple(map(plain, options.labels)))
    known = _log(console, options, str(schema), registry)
    asked_for = options.source, known.key, str(schema), options.labels, options.model
    question = Question(*asked_for, seconds, options.workers)
    with locked(options.out, "diagnose"):  # whose plan and verdict would be another's
        return _answered(console, options, question, known, model, registry, until)


def _answered(
    console: Console, options: Options, question: Question, known: Log, model: Model, registry: Registry, until: float
) -> Exit:
    """Plan, train and judge."""
    plan = planned(
        console, options.out, options.budget, question, known, model, until,
        lambda part: _log(console, options, part, registry),
    )  # fmt: skip
    complete, stopped = _train(console, options, plan, registry, until)
    found = _judged(options, plan, complete)
    if found is None:
        again = "the same command goes on from there"
        print_plain(console, f"Cannot tell: no arm was done within {options.budget}; {again}")
        clear(options.out)
        if stopped:
            return Exit.INTERRUPTED
        return Exit.FAILED if met_by_none(plan.log.findings, options.fail_on) else Exit.CANNOT_TELL
    if complete and not stopped:
        try:
            found = _beside(console, options, plan, known, found, registry, until)
        except KeyboardInterrupt:
            stopped = True
            console.print("stopped: the verdict is without what was going on", highlight=False)
    _shown(console, options, plan, found)
    if stopped:
        return Exit.INTERRUPTED
    if any(met(found.verdict, each) for each in options.fail_on):
        return Exit.FAILED
    if found.verdict.answered:
        return Exit.DONE
    print_plain(console, f'exit status {Exit.CANNOT_TELL}: this is no answer to act on yet; "Next" says what to do')
    return Exit.CANNOT_TELL


def _seconds(budget: str) -> float:
    try:
        return float(duration(budget))
    except ValueError as error:
        raise UserError(f"--budget: {error}") from error


def _schema(console: Console, options: Options) -> Path:
    """The one given; the one that an earlier diagnosis left; or a first guess."""
    asked_for = Asked(options.labels, options.time)
    return schema_at(console, options.schema, options.out / "schema.toml", options.source, asked_for)


def _log(console: Console, options: Options, schema: str, registry: Registry) -> Log:
    dataset = asked.dataset_of(options.source, schema, options.labels)
    with Said(console, "reading and checking the data") as say:
        known = log.built(dataset, dataset["labels"], registry, options.out, say)
    for finding in known.findings:
        print_plain(console, str(finding), "yellow")
    return known


def _train(console: Console, options: Options, plan: Planned, registry: Registry, until: float) -> tuple[bool, bool]:
    """Whether all that was planned is done, and whether somebody stopped it."""
    path, later = options.out / "plan.json", 1 + (sum(RUNGS) if plan.sampled else 0)
    end = partial(asked.end, path)
    referee = Referee(plan.size.seeds, options.workers, until, asked.ended(path), end, plan.log.seconds, later)
    with Said(console, "checking the plan") as say:
        arms = prepare(plan.plan, registry, options.out, say, {plan.log.key})
    try:
        where = Where(workers=options.workers)
        run_plan(console, plan.plan, arms, options.out, where, options.tracker, referee, until)
    except TimeIsUp:
        console.print("time is up: this is the verdict of what was trained; the same command goes on", highlight=False)
        return referee.time_is_up(), False
    except KeyboardInterrupt:
        console.print("stopped: this is the verdict of what was trained; the same command goes on", highlight=False)
        return False, True
    return True, False


@dataclass(frozen=True)
class Found:
    """What a diagnosis has found so far."""

    analysis: Analysis
    complete: bool
    verdict: Verdict


def _judged(options: Options, plan: Planned, complete: bool) -> Found | None:
    """What the comparison came to; None: nothing yet."""
    from harness.report.write import analyse

    analysis = analyse(options.out, NAME)
    if not analysis.groups:
        return None
    return Found(analysis, complete, _verdict(analysis, plan, complete))


def _beside(
    console: Console, options: Options, plan: Planned, known: Log, found: Found, registry: Registry, until: float
) -> Found:
    """The verdict with what the rest of the time says of it: on parts of the sample, and on another split."""
    lead = None if found.verdict.lead is None else found.verdict.lead.arm.label
    beside = Beside(
        console, options.out, options.workers, options.tracker, registry, plan.plan, lead, known.seconds, until
    )  # fmt: skip
    sampled = None if plan.sampled is None else replace(plan.sampled, ladder=_ladder(plan, known, found, beside))
    second = _second(plan, found, beside, options.out)
    return replace(found, verdict=_verdict(found.analysis, plan, found.complete, second, sampled))


def _ladder(plan: Planned, known: Log, found: Found, beside: Beside) -> Ladder:
    assert plan.sampled is not None
    sizes = [(plan.sampled.keep, found.analysis.groups[0])]
    rungs = subsample.rungs(plan.plan.datasets[0], plan.sampled.by, plan.sampled.keep, beside.out)
    for (share, again), size in zip(rungs, RUNGS, strict=True):
        there = beside.train(again, size)
        if isinstance(there, str):
            return Ladder(why=there)
        sizes.append((share, there))
    main = plan.log.task
    others = [each.task for each in found.verdict.rests_on(main) if each.task != main]
    return ladder_of(sizes, beside.lead, shares_of_buckets(known.data), others)


def _second(plan: Planned, found: Found, beside: Beside, out: Path) -> SecondSplit:
    again = second_split.split_of(plan.plan.datasets[0], out)
    if isinstance(again, str):
        return SecondSplit(why=again)
    there = beside.train(again)
    if isinstance(there, str):
        return SecondSplit(again.what, why=there)
    return second_split.judged(again.what, there, found.verdict.rests_on(plan.log.task), found.verdict.lead)


def _verdict(
    analysis: Analysis, plan: Planned, complete: bool, second: SecondSplit = second_split.NOT_YET,
    sampled: Sampled | None = None,
) -> Verdict:  # fmt: skip
    data, group = plan.log.data, analysis.groups[0]
    smallest = power.smallest_gain(data, data.tasks.index(plan.log.task), power.alike(group) or power.ALIKE)
    return verdict_of(group, tails.rare_shares(data), smallest, complete, second, sampled or plan.sampled)


def _shown(console: Console, options: Options, plan: Planned, found: Found) -> None:
    """Write and print what it came to."""
    from harness.diagnose import page
    from harness.report.write import write_report

    verdict = found.verdict
    write(verdict, json.loads((options.out / "plan.json").read_text()), options.out)
    page.write(verdict, found.analysis, f"{plan.size}.", options.out / "verdict.html")
    write_report(options.out, [NAME], known=[found.analysis])
    print_plain(console, f"\n{verdict.headline}", "bold")
    for title, text in verdict.lines.items():
        print_plain(console, f"  {title}: {text}")
    print_plain(console, f"\n{options.out / 'verdict.html'}")
