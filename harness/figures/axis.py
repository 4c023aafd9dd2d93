"""Axes of figures: where they begin and end, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0)
"""Between two ticks, times a power of ten."""
MINUS, THIN_SPACE = "\u2212", "\u202f"

Ticks = Sequence[tuple[float, str]]
"""Places in data coordinates, and their labels, in which a line break may stand."""


@dataclass(frozen=True)
class Axis:
    """One of the two of a figure."""

    label: str
    low: float
    high: float
    """Where it ends; below `low` on an axis that counts backwards."""
    ticks: Ticks
    ticked: bool = True
    """Whether its labels have tick marks; an upright axis without has no line either."""

    def share(self, value: float) -> float:
        """How far along it a value is, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def axis(label: str, low: float, high: float, most: int) -> Axis:
    """From low to high, with at most so many ticks."""
    return Axis(label, low, high, round_ticks(low, high, most))


def around(label: str, values: Iterable[float], most: int, *, low: float | None = None) -> Axis:
    """An axis that holds these values with a little room; it begins at `low` where that is given."""
    found = list(values) or [0.0]
    first, last = min(found) if low is None else low, max(found)
    room = 0.05 * (last - first) or 0.05 * abs(last) or 0.05
    return axis(label, first - room if low is None else low, last + room, most)


def round_ticks(low: float, high: float, most: int) -> Ticks:
    """At multiples of the smallest step of `STEPS` that gives at most so many."""
    power = 10.0 ** (math.floor(math.log10((high - low) / most)) - 1)
    step = next(
        step for step in (power * 10**k * s for k in range(5) for s in STEPS)
        if math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) < most
    )  # fmt: skip
    decimals = max(0, next(d for d in range(-20, 30) if abs(round(step, d) - step) < step * 1e-6))
    places = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [(i * step, f"{i * step:,.{decimals}f}".replace("-", MINUS).replace(",", THIN_SPACE)) for i in places]
