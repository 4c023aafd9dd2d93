"""How the arms of a plan look in its figures: a colour, a marker and a dash each, and which stand out at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.report.analysis.comparisons import rows
from harness.report.analysis.load import Comparison, Group

OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("", "6 2", "2 2", "8 2 2 2", "4 4")
MARKERS = {
    "s": "M1.5 1.5h7v7h-7z",
    "^": "M5 1l4.3 8H.7z",
    "D": "M5 .5L9.5 5 5 9.5.5 5z",
    "v": "M5 9l4.3-8H.7z",
    "o": "M5 1a4 4 0 1 0 .01 0z",
}
FEW, LEADERS = 8, 5
"""Up to so many arms all stand out; of more, `none` and the leaders of the ranking do."""


@dataclass(frozen=True)
class Style:
    """path: the marker in a 10 x 10 box; dash: of the line."""

    color: str
    marker: str
    dash: str

    @property
    def path(self) -> str:
        return MARKERS[self.marker]

    @property
    def line(self) -> str | tuple[int, tuple[float, ...]]:
        return (0, tuple(map(float, self.dash.split()))) if self.dash else "-"


PLAIN_STYLE = Style("currentColor", "o", "")


@dataclass(frozen=True)
class Look:
    """An arm in the figures of its group. lit: it stands out; the others are grey until they are selected."""

    label: str
    style: Style
    lit: bool

    @property
    def rank(self) -> int:
        """Where it is drawn: what stands out is on top."""
        return 3 if self.lit else 2


def looks(comparison: Comparison) -> list[tuple[Look, ...]]:
    """For each group, the looks of its arms in their order; a strategy has the same style in every group."""
    standings = [_standing(group) for group in comparison.groups]
    styles = _styles(comparison, standings)
    return [
        tuple(
            Look(
                label=arm.label,
                style=PLAIN_STYLE if arm is group.plain else styles[arm.label],
                lit=len(group.arms) <= FEW or arm is group.plain or standing[arm.label] < LEADERS,
            )
            for arm in group.arms
        )
        for group, standing in zip(comparison.groups, standings, strict=True)
    ]


def _standing(group: Group) -> dict[str, int]:
    """Label -> place in the ranking, from 0, `none` and the baseline not counted."""
    found = [row.arm for row in rows(group, group.task, group.metric)] if group.tasks else list(group.arms)
    counted = [arm.label for arm in found if not arm.is_baseline and arm is not group.plain]
    return {label: place for place, label in enumerate(counted)}


def _styles(comparison: Comparison, standings: list[dict[str, int]]) -> Mapping[str, Style]:
    """Styles in the order of the plan; of many arms, the best of any group first, so that leaders differ in colour."""
    labels = dict.fromkeys(a.label for g in comparison.groups for a in g.arms if a is not g.plain)
    if max((len(g.arms) for g in comparison.groups), default=0) > FEW:
        places = {label: sorted(s[label] for s in standings if label in s) for label in labels}
        labels = dict.fromkeys(sorted(labels, key=lambda label: places[label]))
    colors, markers = len(OKABE_ITO), tuple(MARKERS)
    return {
        label: Style(OKABE_ITO[i % colors], markers[i % len(markers)], DASHES[i // colors % len(DASHES)])
        for i, label in enumerate(labels)
    }
