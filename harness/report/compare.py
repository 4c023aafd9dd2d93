"""Two results folders side by side: which numbers may be compared, which may not and why, and how they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.table import Table
from rich.text import Text

from harness.analysis import load
from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.estimates import Estimate
from harness.analysis.groups import ArmRuns, Group
from harness.analysis.sampling import OtherRows
from harness.base.errors import UserError
from harness.metrics.catalog import measured
from harness.report.comparable import Verdict, built_alike, judge
from harness.report.format import digits_for, listed
from harness.report.tables.grids import Cell, Column, Grid, cell
from harness.report.tables.printed import AsWide
from harness.results.records import Run


@dataclass(frozen=True)
class Pair:
    """An arm that both folders have.

    why: of the verdict, in words. first, second: at the chosen epoch. difference: paired by seed, positive where the
    second is better; None unless they may be compared.
    """

    plan: str
    group: str
    arm: str
    measured: str
    verdict: Verdict
    why: str
    first: Estimate | None
    second: Estimate | None
    difference: Estimate | None
    digits: int


def compare(left: Path, right: Path) -> list[Pair]:
    """Every arm that both results folders have, of the plans that both ran.

    Raises:
        UserError: a folder has no plan, or the two share no arm.
    """
    names = [load.plans(folder) for folder in (left, right)]
    pairs = [pair for name in names[0] if name in names[1] for pair in _of_plan(left, right, name)]
    if not pairs:
        has = [f"'{folder}' has {listed(plans)}" for folder, plans in zip((left, right), names, strict=True)]
        same = "no arm of one plan is in both, on the same task and by the same metric"
        raise UserError(f"nothing to compare: {same}; {'; '.join(has)}")
    return pairs


def table(left: Path, right: Path) -> Table:
    """The comparison of two results folders, for the terminal: a table for each plan, data set and model."""
    columns = (
        Column("strategy", words=True),
        Column("first", "at the chosen epoch"),
        Column("second", "at the chosen epoch"),
        Column("second against first", "positive is better"),
        Column("verdict", words=True),
    )
    page = Table.grid()
    page.add_row(Text(f"first: {left}\nsecond: {right}\n"))
    for title, pairs in groupby(compare(left, right), lambda pair: f"{pair.plan}: {pair.group}, {pair.measured}"):
        page.add_row(AsWide(Grid(columns, tuple(map(_line, pairs))), title))
    return page


def _of_plan(left: Path, right: Path, name: str) -> Iterator[Pair]:
    first, second = (load.load(folder, name) for folder in (left, right))
    others = {_measured(each.group): each for each in Analysis(second).groups}
    for each in Analysis(first).groups:
        other = others.get(_measured(each.group))
        if other is not None:
            same_data = built_alike(first, second, each.group.dataset)
            matches = {row.arm.label: row for row in other.ranked}
            for row in (r for r in each.ranked if r.arm.label in matches):
                yield _pair(name, each, other, row, matches[row.arm.label], same_data)


def _measured(group: Group) -> tuple[str, str, str]:
    return group.name, group.task, group.metric


def _pair(
    plan: str, left: GroupAnalysis, right: GroupAnalysis, row: ArmComparison, match: ArmComparison,
    same_data: bool | None,
) -> Pair:  # fmt: skip
    group = left.group
    verdict, why = judge(_shared(row.arm, match.arm), same_data)
    compared = verdict in (Verdict.SAME, Verdict.COMPARABLE)
    try:
        difference = right.against(match.arm, row.arm, left) if compared else None
    except OtherRows as error:
        verdict, why, difference = Verdict.NOT, str(error), None
    return Pair(
        plan=plan,
        group=group.name,
        arm=row.arm.label,
        measured=f"{group.split} {measured(group.task, group.metric)}",
        verdict=verdict,
        why="; ".join((why, *_of_seeds_alone(difference, group), *_left_out(row.arm, match.arm))),
        first=row.value("best"),
        second=match.value("best"),
        difference=difference,
        digits=digits_for(left.ranked),
    )


def _shared(left: ArmRuns, right: ArmRuns) -> list[tuple[Run, Run]]:
    return [(run, right.finished[seed]) for seed, run in left.finished.items() if seed in right.finished]


def _of_seeds_alone(difference: Estimate | None, group: Group) -> Iterator[str]:
    """What an interval of seeds that share their test rows leaves out, where no run kept what they may change."""
    if difference is None or difference.low is None or difference.identical or difference.test_error:
        return
    if group.draws == 1:
        yield "the interval of their difference is of other seeds alone, not of other test rows"


def _left_out(left: ArmRuns, right: ArmRuns) -> Iterator[str]:
    """The seeds that only one folder has in full, and why."""
    for place, arm, other in (("first", left, right), ("second", right, left)):
        for seed in sorted(other.finished.keys() - arm.finished.keys()):
            why = arm.runs[seed].reason or arm.runs[seed].status if seed in arm.runs else "not in its plan"
            yield f"seed {seed} left out, as in the {place} it is {why}"


def _line(pair: Pair) -> tuple[Cell, ...]:
    values = (cell(pair.first, pair.digits), cell(pair.second, pair.digits), cell(pair.difference, pair.digits, 1))
    return (Cell(pair.arm), *values, Cell(pair.verdict, pair.why))
