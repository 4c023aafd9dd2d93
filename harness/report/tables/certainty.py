"""How sure a comparison is: tests of every difference, what its seeds could have shown, and where it misleads."""

from __future__ import annotations

from statistics import median

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison, family
from harness.analysis.estimates import Estimate
from harness.analysis.groups import seeds, spoken
from harness.analysis.inference import LEVEL, hides, seeds_for, smallest_sign_flip
from harness.analysis.settling import is_settled
from harness.base.words import counted
from harness.metrics.catalog import METRICS, measured
from harness.report.cautions import tested
from harness.report.format import NOTHING, baseline_name, digits_for, named, number, probability
from harness.report.tables.grids import Cell, Column, Grid, cell

DIFFERENCE = 0.001
"""The difference, in units of the plan's metric, whose price in seeds is given unless another is asked for."""
ALWAYS_VALID = "always valid: they hold wherever an arm stops, and are wider than Student's t, which would not"
MANY, HIDDEN = "> 1000", "no number"
"""Of seeds: more than are counted, and that the test rows alone hide the difference."""


def certainty(analysis: GroupAnalysis, *, against_none: bool, difference: float = DIFFERENCE) -> Grid:
    """The chosen epoch of every arm against one epoch of the baseline, or against that of `none`."""
    group, found = analysis.group, analysis.ranked
    unit, digits = f"{group.split} {measured(group.task, group.metric)}", digits_for(found)
    columns = (
        Column("strategy", words=True),
        Column(f"gain over {'none' if against_none else baseline_name(group)}", unit),
        Column("p", "Student t"),
        Column("p, Holm", "Student t"),
        Column("p", "sign-flip"),
        Column("p, Holm", "sign-flip"),
        Column("deviation", "over seeds"),
        Column("detectable", "4 times in 5, corrected"),
        Column("seeds", f"to detect {difference:g}, corrected"),
    )
    flips = analysis.sign_flips(group.task, group.metric, "gain", against_none=against_none)
    arms = [row for row in found if not row.arm.is_baseline and not (against_none and row.arm is group.plain)]
    level = LEVEL / max(family(found, "gain", against_none=against_none), 1)
    return Grid(columns, tuple(_line(row, flips[id(row)], digits, against_none, difference, level) for row in arms))


def sensitivity(analysis: GroupAnalysis, difference: float = DIFFERENCE) -> str:
    """What the seeds that were run can show of a gain, and what they cannot."""
    arms, digits = tested(analysis), digits_for(analysis.ranked)
    gains = [gain for row in arms if (gain := row.value("gain")) and not gain.identical]
    if gains and analysis.group.stopped:
        return _on_stopping(analysis)
    early, gains = _dropped(arms), [gain for gain in gains if not gain.stopped]
    if not gains:
        return early
    n = max(gain.n for gain in gains)
    typical, of_rows = median(gain.deviation or 0.0 for gain in gains), median(gain.test_error for gain in gains)
    compared = family(analysis.ranked, "gain")
    level = LEVEL / compared
    seen = detectable(analysis) or 0.0
    needed = _needed(difference, typical, level, of_rows)
    text = (
        f"With {seeds(n)}, and corrected for {counted(compared, 'arm')}, the median arm would show a gain of "
        f"{number(seen, digits)} four times in five, and smaller ones less often: no gain shown is not no gain. "
        f"{_price(needed, difference)} {_of_test_rows(analysis, gains)}{_of_search(analysis)}"
    ).rstrip()
    text += f" {early}" if early else ""
    floor = smallest_sign_flip(n)
    if floor * compared >= LEVEL:
        text += (
            f" The sign-flip test, which assumes least, cannot give less than {floor:.2g} with {seeds(n)}"
            f" ({min(1.0, floor * compared):.2g} corrected for {counted(compared, 'arm')}), however large the gain; "
            "Student's t can, as it takes differences to be near normal."
        )
    return text


def _dropped(arms: list[ArmComparison]) -> str:
    """Arms that were repeated less often than others, as their gain was settled."""
    labels = [spoken(row.arm.label) for row in arms if (gain := row.value("gain")) and gain.stopped]
    if not labels:
        return ""
    return (
        f"Repeated no further once settled: {named(labels)}. Their intervals and p are {ALWAYS_VALID}, as the "
        "sign-flip test would not."
    )


def detectable(analysis: GroupAnalysis) -> float | None:
    """The gain that the median arm would show four times in five, corrected for the number of arms; None: no arm has an
    interval of a number of seeds that was set before."""
    gains = [gain for row in tested(analysis) if (gain := row.value("gain")) and not gain.identical]
    level = LEVEL / max(family(analysis.ranked, "gain"), 1)
    seen = [least for gain in gains if (least := gain.detectable(level)) is not None]
    return median(seen) if seen else None


def _price(needed: str, difference: float) -> str:
    """What a difference takes, in a sentence."""
    if needed == HIDDEN:
        return f"No number of seeds would show {difference:g} as often: the test rows alone hide it."
    price = "more than a thousand seeds" if needed == MANY else f"about {seeds(int(needed))}"
    return f"To show {difference:g} it would take {price}."


def _of_search(analysis: GroupAnalysis) -> str:
    if not any(arm.arm.tuned for arm in analysis.group.everything):
        return ""
    tie = analysis.plan.search.tie
    if tie and any(arm.arm.tied for arm in analysis.group.everything):
        knows = f"The intervals hold what near-ties of the search, within {tie:g}, change"
        return f"{knows}; another search of the same budget may choose other knobs still."
    return "Another search of the same budget may choose other knobs, which none of the intervals knows of."


def _on_stopping(analysis: GroupAnalysis) -> str:
    """Of a plan that repeats an arm until it is settled: how often that took."""
    arms, compared = tested(analysis), family(analysis.ranked, "gain")
    settled = {row.arm.label: is_settled(analysis, row) for row in arms}
    took = [f"{spoken(row.arm.label)} after {len(row.arm.finished)}" for row in arms if settled[row.arm.label]]
    left = [f"{spoken(row.arm.label)} after {len(row.arm.finished)}" for row in arms if not settled[row.arm.label]]
    return (
        "Each arm was repeated until its gain was settled, on one side of zero or within what the plan calls settled, "
        f"corrected for {counted(compared, 'arm')}. Settled: {named(took) if took else 'no arm'}. "
        f"Left open: {named(left) if left else 'no arm'}. Intervals and p are {ALWAYS_VALID}."
    )


def _of_test_rows(analysis: GroupAnalysis, gains: list[Estimate]) -> str:
    """What the test rows mean for these intervals, where all seeds were tested on the same."""
    if analysis.group.draws > 1 or analysis.group.split != "test":
        return ""
    if all(gain.test_error for gain in gains):
        return "Intervals hold the error of the test set, which more seeds do not make smaller. "
    plan, known = analysis.plan, METRICS[analysis.group.metric].in_tables and analysis.plan.train.continual is None
    adds = ", which `evaluation.test_error = true` adds"
    if plan.evaluation.test_error:
        adds = "; test rows of one group, or with one positive, do not tell by how much"
    return (
        "All seeds were tested on the same rows, and intervals are of other seeds alone: with other rows gains may "
        f"differ by more{adds if known else ''}. "
    )


def _line(
    row: ArmComparison, flip_holm: float | None, digits: int, against_none: bool, difference: float, level: float
) -> tuple[Cell, ...]:
    found = row.difference("gain", against_none=against_none)
    name = Cell(row.arm.label, row.arm.completeness)
    lost = row.lost("gain", against_none=against_none)
    if found is None or found.deviation is None or found.identical or lost:
        return (name, cell(found, digits, 1), *[Cell(NOTHING)] * 7)
    detectable = found.detectable(level)
    told = [NOTHING, NOTHING]
    if detectable is not None:
        needed = _needed(difference, found.deviation, level, found.test_error)
        told = [f"\u00b1{number(detectable, digits)}", needed]
    return (
        name,
        cell(found, digits, 1, row.shown("gain", against_none=against_none)),
        Cell(probability(found.p_value)),
        Cell(probability(row.p("gain", against_none=against_none))),
        Cell(NOTHING if found.stopped else probability(found.sign_flip)),
        Cell(NOTHING if found.stopped else probability(flip_holm)),
        Cell(number(found.deviation, digits + 1)),
        *map(Cell, told),
    )


def _needed(difference: float, deviation: float, level: float, shared: float) -> str:
    """How many seeds a difference takes, as a cell."""
    if hides(shared, difference, level):
        return HIDDEN
    found = seeds_for(difference, deviation, level, shared)
    return MANY if found is None else str(found)
