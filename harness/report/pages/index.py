"""One page for the plans of a results folder: what each came to, and where its own page is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.analysis.analysis import Analysis
from harness.report.pages.answer import Answer, answer
from harness.report.pages.templates import templates
from harness.report.tables.costs import spent
from harness.results.plan_results import TABLES


@dataclass(frozen=True)
class Entry:
    """What the index shows of a plan. page: its file. day: on which it last ran, in UTC. answers: by group."""

    name: str
    page: str
    table: str
    description: str
    complete: bool
    day: str
    answers: list[tuple[str, Answer]]
    spent: str


def render(analyses: Sequence[Analysis], pages: Sequence[str], ran: Sequence[float]) -> str:
    """The whole page, the plan that ran last first. pages: the file of each plan. ran: when it did, in seconds."""
    order = sorted(zip(analyses, pages, ran, strict=True), key=lambda each: (-each[2], each[1]))
    return templates().get_template("index.html").render(entries=[_entry(*each) for each in order])


def _entry(analysis: Analysis, page: str, ran: float) -> Entry:
    comparison = analysis.comparison
    return Entry(
        name=comparison.result.name,
        page=page,
        table=f"{TABLES}/{comparison.result.table}",
        description=comparison.plan.description,
        complete=comparison.result.complete,
        day=f"{datetime.fromtimestamp(ran, UTC):%Y-%m-%d}",
        answers=[(each.group.name, answer(each)) for each in analysis.groups],
        spent=spent(comparison),
    )
