"""Two results folders side by side: which numbers may be compared, which may not and why, and how they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from harness.analysis import load
from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.estimates import Estimate
from harness.analysis.groups import ArmRuns, Group, seeds
from harness.analysis.sampling import OtherRows
from harness.base.errors import UserError
from harness.metrics.catalog import measured
from harness.report.format import digits_for, listed
from harness.report.tables.grids import Cell, Column, Grid, cell
from harness.report.tables.printed import AsWide
from harness.results.records import Run

VERSIONS = ("engine", "torch", "numpy")
"""What a key is made of beside the spec, the data and the sources of plug-ins."""
EXPERIMENT = ("dataset", "data_seed", "model", "evaluation")
"""Parts of a spec that two arms must share to be measured on the same thing."""


class Verdict(StrEnum):
    """Whether the numbers of one arm in two folders may be compared."""

    SAME = "the same runs"
    COMPARABLE = "may be compared"
    BROKEN = "same keys, other numbers"
    NOT = "not comparable"


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
        raise UserError(f"nothing to compare: no arm of one plan is in both; {'; '.join(has)}")
    return pairs


def _judge(runs: Sequence[tuple[Run, Run]]) -> tuple[Verdict, str]:
    """A verdict, and why, on the finished runs of one arm with the same seeds in two results folders."""
    if not runs:
        return Verdict.NOT, "no seed finished in both"
    other = next(((a, b) for a, b in runs if a.key != b.key), None)
    if other is not None:
        return _other_keys(*other)
    differ = [(a, b) for a, b in runs if _records(a) != _records(b)]
    if not differ:
        return Verdict.SAME, f"{seeds(len(runs))}, records equal byte by byte"
    (a, b), *_ = differ
    first, second = _environment(a), _environment(b)
    where = [f"{name} {first.get(name)} against {second.get(name)}" for name in _changed(first, second)]
    return Verdict.BROKEN, f"{len(differ)} of {seeds(len(runs))}; {listed(where) if where else 'one environment'}"


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
    others = {_measured(each.group): each for each in Analysis(load.load(right, name)).groups}
    for each in Analysis(load.load(left, name)).groups:
        other = others.get(_measured(each.group))
        if other is not None:
            matches = {row.arm.label: row for row in other.ranked}
            for row in (r for r in each.ranked if r.arm.label in matches):
                yield _pair(name, each, other, row, matches[row.arm.label])


def _measured(group: Group) -> tuple[str, str, str]:
    return group.name, group.task, group.metric


def _pair(
    plan: str, left: GroupAnalysis, right: GroupAnalysis, row: ArmComparison, match: ArmComparison
) -> Pair:  # fmt: skip
    group = left.group
    verdict, why = _judge(_shared(row.arm, match.arm))
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


def _other_keys(a: Run, b: Run) -> tuple[Verdict, str]:
    versions = [n for n in VERSIONS if a.env.get(n) != b.env.get(n)]
    settings = _changed(_flat(a.spec), _flat(b.spec))
    other = [name for name in settings if name.split(".")[0] in EXPERIMENT]
    if versions or other:
        named = [f"{name} {a.env.get(name)} against {b.env.get(name)}" for name in versions]
        return Verdict.NOT, listed([*named, *(f"other {name}" for name in other)])
    if not settings:
        return Verdict.NOT, "same spec and versions, so the data or the source of a plug-in changed"
    return Verdict.COMPARABLE, f"same data, model, evaluation and versions; other {listed(settings)}"


def _line(pair: Pair) -> tuple[Cell, ...]:
    values = (cell(pair.first, pair.digits), cell(pair.second, pair.digits), cell(pair.difference, pair.digits, 1))
    return (Cell(pair.arm), *values, Cell(pair.verdict, pair.why))


def _records(run: Run) -> bytes:
    assert run.folder is not None
    return (run.folder / "records.jsonl").read_bytes()


def _environment(run: Run) -> dict[str, str]:
    """Machine and versions; of a run that was resumed elsewhere, one after the other."""
    names = dict.fromkeys(name for env in run.environments for name in env)
    return {name: " then ".join(dict.fromkeys(str(env.get(name)) for env in run.environments)) for name in names}


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name; the stages of a strategy are one setting."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= _flat(item, f"{prefix}{name}.") if isinstance(item, Mapping) else {prefix + name: item}
    return found


def _changed(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return [name for name in dict.fromkeys((*a, *b)) if a.get(name) != b.get(name)]
