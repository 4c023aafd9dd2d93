"""Arms as marks: a line on its band, or dots on their spans, of classes that a page can fade."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from harness.analysis.estimates import Estimate
from harness.figures.marks import Area, Dots, Line, Mark, Point, between, spans
from harness.figures.style import FADED
from harness.report.figures.arm_styles import ArmStyle


@dataclass(frozen=True)
class ArmPoints:
    """What a figure shows of one arm."""

    index: int
    """Among the arms of its group."""
    style: ArmStyle
    points: list[tuple[float, Estimate]]
    """Place on the x axis, and what is shown there."""

    @cached_property
    def means(self) -> list[Point]:
        return [(x, e.mean) for x, e in self.points]

    @cached_property
    def intervals(self) -> list[tuple[float, float, float]]:
        """x, low and high of the points that have an interval."""
        return [(x, e.low, e.high) for x, e in self.points if e.low is not None and e.high is not None]

    @property
    def reached(self) -> list[float]:
        """Every mean and end of an interval."""
        return [value for _, e in self.points for value in (e.low, e.mean, e.high) if value is not None]

    def classes(self, part: str) -> str:
        return f"arm-{self.index} {part}"


def curves(arms: Iterable[ArmPoints], *, fade: bool) -> list[Mark]:
    """Lines through the means, marked at the ends of epochs, on bands; what stands out is on top.

    fade: what does not stand out is grey, and no part of an arm.
    """
    arms = _on_top(arms)
    shown = [arm for arm in arms if arm.style.highlighted or not fade]
    found: list[Mark] = [_band(arm) for arm in shown if len(arm.intervals) == len(arm.points)]
    if fade:
        found += [Line([arm.means for arm in arms if not arm.style.highlighted], FADED, width=0.8)]
    return [*found, *(mark for arm in shown for mark in _curve(arm))]


def dots(arms: Iterable[ArmPoints]) -> list[Mark]:
    """The means, on all intervals; what stands out is on top."""
    arms = _on_top(arms)
    return [*(_span(arm) for arm in arms if arm.intervals), *map(_dots, arms)]


def _on_top(arms: Iterable[ArmPoints]) -> list[ArmPoints]:
    return sorted((arm for arm in arms if arm.points), key=lambda arm: arm.style.highlighted)


def _band(arm: ArmPoints) -> Area:
    return Area(between(arm.intervals), arm.style.pen.color, 0.13, arm.classes("band"))


def _curve(arm: ArmPoints) -> list[Mark]:
    pen, ends = arm.style.pen, [(x, y) for x, y in arm.means if x == round(x)]
    line = Line([arm.means], pen.color, dash=pen.dash, classes=arm.classes("line"))
    return [line, Dots(ends, pen.marker, pen.color, arm.classes("ends"))]


def _span(arm: ArmPoints) -> Line:
    return Line(spans(arm.intervals), arm.style.pen.color, width=1.2, alpha=0.6, classes=arm.classes("span"))


def _dots(arm: ArmPoints) -> Dots:
    return Dots(arm.means, arm.style.pen.marker, arm.style.pen.color, arm.classes("dots"))
