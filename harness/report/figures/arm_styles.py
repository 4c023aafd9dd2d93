"""Which arms stand out in the figures of a plan, and which pen draws each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.figures.style import PLAIN_PEN, Pen, pen

FEW, LEADERS = 8, 5
"""Up to so many arms all stand out; of more, `none` and the leaders of the ranking do."""


@dataclass(frozen=True)
class ArmStyle:
    """An arm in the figures of its group."""

    label: str
    pen: Pen
    highlighted: bool
    """Whether it stands out; the others are grey until they are selected."""


def arm_styles(analysis: Analysis) -> list[tuple[ArmStyle, ...]]:
    """For each group, the styles of its arms in their order; a strategy has the same pen in every group."""
    standings = [_standing(found) for found in analysis.groups]
    pens = _pens(analysis, standings)
    return [
        tuple(
            ArmStyle(
                label=arm.label,
                pen=PLAIN_PEN if arm is found.group.plain else pens[arm.label],
                highlighted=len(found.group.arms) <= FEW or arm is found.group.plain or standing[arm.label] < LEADERS,
            )
            for arm in found.group.arms
        )
        for found, standing in zip(analysis.groups, standings, strict=True)
    ]


def _standing(found: GroupAnalysis) -> dict[str, int]:
    """Label -> place in the ranking, from 0, `none` and the baseline not counted."""
    group = found.group
    ranked = [row.arm for row in found.ranked] if group.tasks else list(group.arms)
    counted = [arm.label for arm in ranked if not arm.is_baseline and arm is not group.plain]
    return {label: place for place, label in enumerate(counted)}


def _pens(analysis: Analysis, standings: list[dict[str, int]]) -> Mapping[str, Pen]:
    """Pens in the order of the plan; of many arms, the best of any group first, so that leaders differ in colour."""
    groups = [found.group for found in analysis.groups]
    labels = dict.fromkeys(a.label for g in groups for a in g.arms if a is not g.plain)
    if max((len(g.arms) for g in groups), default=0) > FEW:
        places = {label: sorted(s[label] for s in standings if label in s) for label in labels}
        labels = dict.fromkeys(sorted(labels, key=lambda label: places[label]))
    return {label: pen(place) for place, label in enumerate(labels)}
