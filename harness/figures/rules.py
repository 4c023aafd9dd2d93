"""What stands behind the marks of a figure: a level, and the epochs."""

from __future__ import annotations

from harness.figures.axis import Axis
from harness.figures.marks import Area, Line, Mark, between, spans

DOTTED = "1 2"


def epochs_axis(last: float) -> Axis:
    """From no training to the end of the last epoch."""
    return Axis("epochs trained", 0.0, last * 1.01, [(epoch, str(epoch)) for epoch in range(int(last) + 1)])


def epochs(last: int, y: Axis) -> list[Mark]:
    """The first epoch shaded, and a rule at each boundary."""
    first, rules = between([(0, y.low, y.high), (1, y.low, y.high)]), spans((e, y.low, y.high) for e in range(1, last))
    return [Area(first, alpha=0.05), *([Line(rules, width=0.6, alpha=0.35)] if rules else [])]


def level(x: Axis, value: float, dash: str = DOTTED, alpha: float = 1.0) -> Line:
    """A rule over the whole width."""
    return Line([[(x.low, value), (x.high, value)]], width=0.8, alpha=alpha, dash=dash)
