"""How numbers, intervals, probabilities and names are printed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from harness.analysis.comparisons import ArmComparison
from harness.analysis.estimates import Estimate
from harness.analysis.groups import Group, seeds

NOTHING = "-"
"""Printed where there is no value."""
MOST_NAMED = 6


def baseline_name(group: Group) -> str:
    if group.baseline is None:
        return "one epoch"
    return "one tuned epoch" if group.baseline.arm.tuned else "one untuned epoch"


def digits_for(rows: Iterable[ArmComparison]) -> int:
    """Decimals that show about four digits of the values of a table: 4 for an AUC, 6 for a loss of .005."""
    means = [abs(e.mean) for row in rows if (e := row.value("first")) is not None and e.mean]
    return 4 if not means else 4 + max(0, math.ceil(-math.log10(max(means))) - 1)


def number(value: float, digits: int, signed: bool = False) -> str:
    """`0.6788`, or `+0.0123` if signed; never `-0.0000`."""
    return f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"


def percent(share: float) -> str:
    """`6.25%`: three digits, and no more than it has."""
    return f"{100 * share:.3g}%"


def settings(values: Mapping[str, Any]) -> str:
    """`table_lr = 0.00627, running_mean.prior_count = 1040`."""
    return ", ".join(f"{name} = {_short(v) if isinstance(v, float) else v}" for name, v in values.items())


def _short(value: float) -> str:
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def probability(p: float | None) -> str:
    """`.012`, `< .001`, or `1`."""
    if p is None:
        return NOTHING
    return "< .001" if p < 0.0005 else "1" if p >= 0.9995 else f"{p:.3f}"[1:]


def p_is(p: float | None) -> str:
    """`p = .012`, or `p < .001`."""
    text = probability(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def interval(value: Estimate, digits: int) -> str:
    """`[.6770, .6806]`, or a word on why there is none: of one seed, and of few where what they showed ended them."""
    if value.low is None or value.high is None:
        return f"{seeds(value.n)}, no interval"
    return ends((value.low, value.high), digits)


def ends(interval: tuple[float, float], digits: int) -> str:
    """The same of its two ends."""
    texts = (number(end, digits) for end in interval)
    return "[" + ", ".join(t.replace("0.", ".", 1) if t.lstrip("-").startswith("0.") else t for t in texts) + "]"


def show(value: Estimate | None, digits: int, signed: bool = False) -> str:
    """`0.6788 [.6770, .6806]`."""
    if value is None:
        return NOTHING
    text, spread = number(value.mean, digits, signed), interval(value, digits)
    return f"{text} {spread}" if spread.startswith("[") else f"{text} ({spread})"


def epochs_text(epochs: Iterable[int]) -> str:
    """`3`, or `2 to 4` where seeds differ."""
    found = sorted(set(epochs))
    if not found:
        return NOTHING
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def named(names: list[str]) -> str:
    """`a, b and c`, or how many where that would be long."""
    return listed(names) if len(names) <= MOST_NAMED else f"{len(names)} arms"


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
