"""What `multiepoch diagnose` plans: the largest comparison that fits into the time, on the log or on a sample of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.api import Model
from harness.base.durations import told
from harness.base.errors import UserError
from harness.base.terminal import print_plain
from harness.data.tabular.schema import read_schema
from harness.diagnose import asked, power, sizing, subsample, tails
from harness.diagnose.asked import Question
from harness.diagnose.collapse import too_few
from harness.diagnose.log import Log
from harness.diagnose.sizing import Cost, Size
from harness.diagnose.subsample import Sampled
from harness.engine.network import check_fits
from harness.experiment.plan import Plan
from harness.results.plan_results import PLAIN

TELLS = 0.001
"""Gain in AUC that is worth having."""
Built = Callable[[str], Log]
"""Builds and checks the log by a schema file."""


@dataclass(frozen=True)
class Planned:
    """log: what is trained on. sampled: where that is a sample."""

    size: Size
    plan: Plan
    log: Log
    sampled: Sampled | None = None


def planned(
    console: Console, out: Path, budget: str, question: Question, known: Log, model: Model, until: float, built: Built
) -> Planned:
    """What fits into the time, written down before anything is trained; or what was, for the same question.

    until: the end, of `time.monotonic`.

    Raises:
        UserError: not even the smallest comparison fits.
    """
    path = out / "plan.json"
    if (kept := asked.planned(path, question)) is not None:
        print_plain(console, f"going on with {kept[0]}{_no_verdict(kept[1])}")
        return _on(kept[0], kept[1], question, known, built)
    check_fits(model, known.data)
    batch = asked.batch_size(len(known.data.train))
    with console.status("measuring a step and an evaluation"):
        cost = sizing.measure(known.data, model, asked.batches(batch))
    left, log, sampled = until - time.monotonic(), known, None
    size = sizing.fitting(cost, question.workers, left)
    if size is None:
        part = _part(out, question, known, cost, left - known.seconds)
        if part is None:
            least = sizing.SIZES[0].seconds(cost, question.workers) + question.seconds - left
            raise UserError(
                f"--budget {budget}: even {sizing.SIZES[0]} take about {told(least)} here, at {cost.epoch:.0f} s an "
                f"epoch; accepted: --budget {int(least // 60) + 1}m or more, or fewer rows"
            )
        size, cost, schema = part
        log, question_on = _built(built, schema), schema
        sampled = _sampled(schema, known, log)
        print_plain(console, f"sample: {sampled.text}")
        batch = asked.batch_size(len(log.data.train))
    else:
        question_on = question.schema
    rolling = read_schema(question_on, question.labels).split.rolling  # a time origin for each seed
    most = rolling if rolling > 1 else asked.MOST
    plan = asked.plan_of(question, size, tails.likely(log.data), batch, log.task, most, schema=question_on)
    expected = size.seconds(cost, question.workers)
    asked.write(path, question, size, plan, expected)
    trained = f"{size.long} runs of them and {size.short} of one epoch, about {told(expected)}"
    compared = ", ".join(f"{name} (plain training)" if name == PLAIN else name for name in plan.strategies)
    said = f"plan: {compared}; {size}: {trained}{_no_verdict(plan)}"
    print_plain(console, said)
    print_plain(console, _power(log))
    return Planned(size, plan, log, sampled)


def _built(built: Built, schema: str) -> Log:
    """Raises:
    UserError: a sample has too little of something that the whole log has.
    """
    try:
        return built(schema)
    except UserError as error:
        raise UserError(
            f"on the sample of the log that fits into the time: {error}; accepted: a longer --budget, or --labels "
            "without labels that are rare"
        ) from error


def _on(size: Size, plan: Plan, question: Question, known: Log, built: Built) -> Planned:
    """What was planned before, with what it trains on."""
    schema = plan.datasets[0]["schema"]
    if schema == question.schema:
        return Planned(size, plan, known)
    log = built(schema)
    return Planned(size, plan, log, _sampled(schema, known, log))


def _part(out: Path, question: Question, known: Log, cost: Cost, left: float) -> tuple[Size, Cost, str] | None:
    """A share of the log that fits, what it costs and its schema; None: none does, or nothing can be drawn."""
    schema = read_schema(question.schema, question.labels)
    by = None if schema.sample is not None else subsample.drawn_by(schema, known.data)
    found = subsample.fitting(cost, len(known.data.train), question.workers, left) if by is not None else None
    if found is None or by is None:
        return None
    keep, size = found
    dataset = asked.dataset_of(question.source, question.schema, question.labels)
    return size, subsample.scaled(cost, keep), str(subsample.sampled(dataset, by, keep, out, "sample")["schema"])


def _sampled(schema: str, known: Log, log: Log) -> Sampled:
    drawn = read_schema(schema, ()).sample
    assert drawn is not None
    whole, part = (power.smallest_gain(each.data, each.data.tasks.index(each.task)) for each in (known, log))
    return subsample.compared(drawn.by, drawn.keep, known.data, log.data, (whole, part))


def _power(log: Log) -> str:
    """What can be told, before anything is trained."""
    task, test = log.data.tasks.index(log.task), len(log.data.test)
    least = power.smallest_gain(log.data, task)
    said = f"a gain of about {least:.4f} in test AUC can be told, from {test:,} test rows"
    if least <= TELLS:
        return said
    return f"{said}; {TELLS:g} would take {power.rows_for(log.data, task, TELLS):,}"


def _no_verdict(plan: Plan) -> str:
    """Said before anything is trained that cannot answer."""
    few = too_few(plan)
    return f"\nno verdict can come of this: {few}" if few else ""
