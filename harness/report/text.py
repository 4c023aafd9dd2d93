"""Numbers and sentences: how an estimate is printed, and the answer of a group in words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.report.estimates import Estimate
from harness.report.load import PLAIN, Group
from harness.report.stats import Row, against
from harness.select import METRICS

METRIC_NAMES = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "gauc": "GAUC",
    "oracle_share": "share of oracle AUC",
    "logloss": "logloss",
    "ne": "normalised entropy",
    "regret": "regret",
}
UNITS = {"logloss": "nats", "regret": "nats"}
NOTHING = "-"
"""Printed where there is no value."""


@dataclass(frozen=True)
class Answer:
    """The finding of a group: a headline, and the numbers behind it."""

    headline: str
    text: str


def measured(task: str, metric: str) -> str:
    """`click AUC`, `click logloss in nats`."""
    name = f"{task} {METRIC_NAMES.get(metric, metric)}"
    return f"{name} in {UNITS[metric]}" if metric in UNITS else name


def rule(group: Group) -> str:
    """How the epoch was chosen, in words; every rule of the group's arms."""
    target = f"{group.task} {METRIC_NAMES.get(group.metric, group.metric)}"
    names = {
        "best_epoch": f"each seed's best epoch by valid {target}",
        "final_epoch": "the last epoch",
        "one_epoch": "the first epoch",
    }
    used = dict.fromkeys(a.arm.select for a in group.arms)
    return " or ".join(names.get(select, select) for select in used)


def baseline_name(group: Group) -> str:
    tuned = group.baseline is not None and group.baseline.arm.tuned
    return "one tuned epoch" if tuned else "one untuned epoch"


def digits_for(rows: Iterable[Row]) -> int:
    """Decimals that show about four digits of the values of a table: 4 for an AUC, 6 for a loss of .005."""
    means = [abs(e.mean) for row in rows if (e := row.value("first")) is not None and e.mean]
    return 4 if not means else 4 + max(0, math.ceil(-math.log10(max(means))) - 1)


def number(value: float, digits: int, signed: bool = False) -> str:
    """`0.6788`, or `+0.0123` if signed; never `-0.0000`."""
    return f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"


def probability(p: float | None) -> str:
    """`.012`, `< .001`, or `1`."""
    if p is None:
        return NOTHING
    return "< .001" if p < 0.0005 else "1" if p > 0.9995 else f"{p:.3f}"[1:]


def p_is(p: float | None) -> str:
    """`p = .012`, or `p < .001`."""
    text = probability(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def interval(value: Estimate, digits: int) -> str:
    """`[.6770, .6806]`, or a word on why there is none."""
    if value.low is None or value.high is None:
        return "1 seed, no interval"
    ends = (number(end, digits) for end in (value.low, value.high))
    return "[" + ", ".join(end.replace("0.", ".", 1) if end.lstrip("-").startswith("0.") else end for end in ends) + "]"


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


def answer(group: Group, rows: list[Row]) -> Answer:
    """Does more than one epoch pay, with what, and is plain training safe; `rows` as ranked by `stats.rows`."""
    arms = [row for row in rows if not row.arm.is_baseline and row.value("gain") is not None]
    if not arms:
        return Answer("No answer yet", _why_not(group))
    lead, digits = arms[0], digits_for(rows)
    sentences = [_lead(group, lead, digits), _ties(group, arms), _plain(group, arms, digits), _caveats(group)]
    return Answer(_headline(group, lead), " ".join(s for s in sentences if s))


def _headline(group: Group, lead: Row) -> str:
    gain = lead.value("gain")
    assert gain is not None
    if gain.n == 1:
        return "One seed: not settled"
    if group.epochs == 1:
        return "One epoch only: nothing to compare"
    if _pays(lead):
        return f"More than one epoch pays {_with(lead, group)}"
    if gain.sign > 0 and max(lead.epochs) > 1:
        return f"More than one epoch may pay {_with(lead, group)}: not settled"
    return "More than one epoch is not shown to pay"


def _why_not(group: Group) -> str:
    if group.baseline is None and PLAIN not in group.pending:
        return f"The plan has no strategy '{PLAIN}', so there is no one-epoch baseline to compare with."
    missing = "No arm has" if group.baseline and group.baseline.finished else "The one-epoch baseline has not"
    return f"{missing} finished a seed that can be compared."


def _with(row: Row, group: Group) -> str:
    return "without a mitigation" if row.arm is group.plain else f"with {row.arm.label}"


def _pays(row: Row) -> bool:
    """It beats the baseline, also after correction for the number of arms, and not at epoch 1 already."""
    return row.shown("gain") > 0 and max(row.epochs) > 1


def _lead(group: Group, row: Row, digits: int) -> str:
    gain = row.value("gain")
    assert gain is not None
    if gain.identical:
        once = f"the first, which is {baseline_name(group)}"
        return f"Of {group.epochs} epochs {_with(row, group)}, validation picks {once}: nothing is gained."
    size = f"{show(gain, digits, signed=True)} {group.split} {measured(group.task, group.metric)}"
    size += "" if METRICS[group.metric] > 0 else " (positive is less)"
    verb = {1: f"gains {size}", -1: f"loses {size}", 0: f"comes to {size}"}[gain.sign]
    open_ = "" if gain.sign or gain.n == 1 else ", which includes no gain"
    if gain.sign and len(group.arms) > 1:
        open_ = f" ({p_is(row.measures['gain'].p)} corrected for {len(group.arms)} arms)"
    stop = f", read at epoch {epochs_text(row.epochs)}" if row.epochs else ""
    return f"Training {group.epochs} epochs {_with(row, group)} {verb} over {baseline_name(group)}{stop}{open_}."


def _ties(group: Group, arms: list[Row]) -> str:
    lead, rest = arms[0], arms[1:]
    tied = [row.arm.label for row in rest if (e := against(lead.arm, row.arm, group)) is not None and e.sign == 0]
    also = [row.arm.label for row in rest if _pays(row)]
    said = [f"Its lead over {listed(tied)} could be chance."] if tied else []
    if also:
        said.append(f"{listed(also)} also {'pays' if len(also) == 1 else 'pay'}.")
    return " ".join(said)


def _plain(group: Group, arms: list[Row], digits: int) -> str:
    row = next((r for r in arms if r.arm is group.plain), None)
    if row is None or group.epochs == 1:
        return ""
    end, gain = row.value("end_gain"), row.value("gain")
    if end is None or gain is None:
        return ""
    verdict = {1: "it is safe", -1: "it is not safe", 0: "neither harm nor benefit is shown"}[end.sign]
    size = show(gain, digits, signed=True) if gain.mean else "no gain"
    stopped = f" Validation would stop it at epoch {epochs_text(row.epochs)}, with {size}."
    text = f"Plain training run to epoch {group.epochs} ends {show(end, digits, signed=True)} from that baseline"
    return f"{text}: {verdict}.{stopped if row is not arms[0] else ''}"


def _caveats(group: Group) -> str:
    short = [f"{a.label} ({a.completeness})" for a in group.everything if len(a.finished) < len(a.runs)]
    untuned = [a.label for a in group.everything if not a.arm.tuned]
    parts = [f"Incomplete: {listed(short)}." if short else ""]
    parts.append(f"Not run yet: {listed(list(group.pending))}." if group.pending else "")
    if len(untuned) == len(group.everything):
        parts.append("No arm was tuned.")
    elif untuned:
        parts.append(f"Untuned: {listed(untuned)}.")
    if group.split == "valid":
        parts.append("Values are of the split that chose the epoch, so gains are optimistic.")
    return " ".join(filter(None, parts))


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
