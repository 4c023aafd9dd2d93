"""What a plan's gains say of a data set that is not in it: a sentence and a table."""

from __future__ import annotations

from harness.analysis.analysis import Analysis
from harness.analysis.pooling import Pooled
from harness.report.format import digits_for, ends, number, probability
from harness.report.tables.certainty import DIFFERENCE
from harness.report.tables.grids import Cell, Column, Grid


def sentence(analysis: Analysis) -> str:
    """Of the arm with the largest mean gain."""
    name, best = next(iter(analysis.pooled.items()))
    digits, count = _digits(analysis), len(analysis.groups)
    return (
        f"On another data set, if it is one more of the kind that these {count} are, {name} gains between "
        f"{number(best.predicted[0], digits, signed=True)} and {number(best.predicted[1], digits, signed=True)} over "
        f"the baseline in 95 of 100 cases, and above zero with a chance of {probability(best.chance_above(0))}. "
        f"How far data sets differ is itself estimated from these {count}, which the interval allows for."
    )


def brief(analysis: Analysis) -> str:
    """Of the same arm, in a line."""
    name, best = next(iter(analysis.pooled.items()))
    digits = _digits(analysis)
    low, high = (number(end, digits, signed=True) for end in best.predicted)
    mean = f"{number(best.mean, digits, signed=True)} {ends(best.mean_interval, digits)}"
    return f"{name} gains {mean} over these {len(analysis.groups)}; on one more {low} to {high}"


def table(analysis: Analysis, difference: float = DIFFERENCE) -> Grid:
    """Every arm with an interval on each data set, the largest mean gain first; no line where too few have one.

    difference: the gain of which the chance is given, beside that of any.
    """
    columns = (
        Column("strategy", words=True),
        Column("mean gain over data sets", "95 % interval"),
        Column("spread between data sets", "standard deviation"),
        Column("gain on a new one", "95 % interval"),
        Column("chance that it is above 0"),
        Column(f"chance that it is above {difference:g}"),
    )
    digits = _digits(analysis)
    return Grid(columns, tuple(_line(name, each, difference, digits) for name, each in analysis.pooled.items()))


def _line(name: str, found: Pooled, difference: float, digits: int) -> tuple[Cell, ...]:
    return (
        Cell(name),
        Cell(number(found.mean, digits, signed=True), ends(found.mean_interval, digits)),
        Cell(number(found.tau, digits)),
        Cell(ends(found.predicted, digits)),
        Cell(probability(found.chance_above(0))),
        Cell(probability(found.chance_above(difference))),
    )


def _digits(analysis: Analysis) -> int:
    return max(digits_for(each.ranked) for each in analysis.groups)
