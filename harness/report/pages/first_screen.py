"""What a busy reader sees of a group first: what plain training does, what the best arm does, and one figure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.groups import Group
from harness.metrics.catalog import measured
from harness.report.format import baseline_name, digits_for, epochs_text, interval, number
from harness.report.pages.answer import by_validation, chance, lead_of


@dataclass(frozen=True)
class Fact:
    """One gain over one epoch. sign: 1 or -1 if it is better or worse, after correction; 0 if neither is shown."""

    what: str
    value: str
    interval: str
    note: str
    sign: int


def facts(analysis: GroupAnalysis) -> list[Fact]:
    """Plain training to its last epoch, and the arm that leads at its best epoch; without an answer, none."""
    group, lead = analysis.group, lead_of(analysis)
    if lead is None:
        return []
    plain, found = analysis.plain, []
    if plain is not None and group.epochs > 1:
        stops = plain.epochs and by_validation(plain)
        stopped = f"validation stops it at epoch {epochs_text(plain.epochs)}" if stops else ""
        found.append(_fact(analysis, f"Plain training to epoch {group.epochs}", plain, "final_epoch_gain", stopped))
    if lead is not plain:
        found.append(_fact(analysis, lead.arm.label, lead, "gain", _read_at(group, lead)))
        own = lead.value("gain_after_own_first")
        if own is not None and not own.identical and group.epochs > 1:
            found.append(_fact(analysis, "What its further epochs add", lead, "gain_after_own_first", ""))
    return [fact for fact in found if fact is not None]


def _read_at(group: Group, lead: ArmComparison) -> str:
    picked = ", which validation picks" if by_validation(lead) else ""
    return f"at epoch {epochs_text(lead.epochs)} of {group.epochs}{picked}" if lead.epochs else ""


def _fact(analysis: GroupAnalysis, what: str, row: ArmComparison, name: str, note: str) -> Fact | None:
    value, digits = row.value(name), digits_for(analysis.ranked)
    if value is None:
        return None
    group = analysis.group
    base = "its own first epoch, at the same knobs" if name == "gain_after_own_first" else baseline_name(group)
    said = [f"{group.split} {measured(group.task, group.metric)} against {base}", note, chance(row, name)]
    return Fact(
        what,
        number(value.mean, digits, signed=True),
        "" if value.identical else interval(value, digits),
        "; ".join(filter(None, said)),
        row.shown(name),
    )
