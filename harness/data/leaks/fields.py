"""Fields that tell a label: alone, or by the rows in which they have another value than usual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.data.leaks.evidence import Telling
from harness.results.findings import Finding, Severity

ERRORS = 4.0
"""Standard errors by which an effect must exceed chance."""
TELLS, MAY_TELL, AHEAD = 0.95, 0.75, 0.08
"""AUC of a field alone: of a copy of the label; suspicious, if so far ahead of the next field."""
FOLLOWING, ALL_OF_CLASS = 20, 0.98
"""Held-out rows with another value than usual, and the share of them with the label's rarer class, from which a field
follows the label."""


def of_fields(fields: list[Telling]) -> Iterable[Finding]:
    """What is found of the fields with one task, one finding for a field."""
    return (dict(_follows(fields)) | dict(_tells(fields))).values()


def _tells(fields: list[Telling]) -> Iterator[tuple[str, Finding]]:
    """Fields that tell a label alone, by the lower of their AUCs on held-out splits; of a list, by what tells more."""
    lowest = [(min(e.auc.values(), key=lambda auc: auc.value), e) for e in fields if e.auc]
    best = {e.column: (auc, e) for auc, e in sorted(lowest, key=lambda pair: pair[0].value)}
    ranked = sorted(best.values(), key=lambda pair: -pair[0].value)
    for i, (auc, e) in enumerate(ranked):
        copy, other = auc.value >= TELLS, ranked[i + 1][0].value if i + 1 < len(ranked) else 0.5
        if auc.value - ERRORS * auc.error >= MAY_TELL and (copy or auc.value >= other + AHEAD):
            message = (
                f"Field '{e.column}' alone tells label '{e.task}': the mean training label of {e.what} has AUC "
                f"{short(auc.value)} on held-out rows; of the next field it is {short(other)}."
            )
            advice = "Leave the field out unless its value is known before the label is."
            yield e.column, Finding("field_tells_label", Severity.STOP if copy else Severity.LOOK, message, advice)


def _follows(fields: list[Telling]) -> Iterator[tuple[str, Finding]]:
    """Fields with another value than usual only where the label is of its rarer class, as what comes after a click."""
    for e in fields:
        if e.apart is None:
            continue
        usual, others = e.apart.usual, e.apart.others
        rare = int(usual[1] + others[1] <= usual[0] + others[0])
        if sum(others) >= FOLLOWING and others[rare] >= ALL_OF_CLASS * sum(others):
            only = "almost only" if others[1 - rare] else "only"
            share = usual[rare] / max(sum(usual), 1)
            message = (
                f"Field '{e.column}' has another value than its usual one {only} where label '{e.task}' is {rare}: in "
                f"{others[rare]:,} of {sum(others):,} held-out rows with another value, and in {share:.1%} of those "
                "with the usual one."
            )
            advice = "Leave the field out if its value comes after the label, as the price of what was bought does."
            yield e.column, Finding("field_follows_label", Severity.LOOK, message, advice)


def short(value: float) -> str:
    """Two digits without the zero, as `.97` and `-.19`."""
    return f"{value:.2f}".replace("0.", ".", 1)
