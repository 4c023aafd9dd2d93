"""The answer of a group in words: does more than one epoch pay, with what, and is plain training safe."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison, family
from harness.analysis.estimates import holm
from harness.analysis.groups import ArmRuns, Group, spoken
from harness.analysis.inference import LEVEL
from harness.base.words import counted
from harness.metrics.catalog import METRICS, measured, sign_of
from harness.metrics.selection import Rule
from harness.report.cautions import compared
from harness.report.format import baseline_name, digits_for, epochs_text, listed, named, p_is, show
from harness.results.plan_results import PLAIN

NOTHING_YET = "No answer yet"
LOST = "nothing is claimed of it, as seeds failed"


@dataclass(frozen=True)
class Answer:
    """The finding of a group: a headline, the numbers behind it, and the gain alone if there is one."""

    headline: str
    text: str
    gain: str = ""

    def __str__(self) -> str:
        return f"{self.headline}. {self.text}"

    @property
    def brief(self) -> str:
        """The headline with its gain, or with why there is none."""
        more = self.text if self.headline == NOTHING_YET else self.gain
        return f"{self.headline}: {more}" if more else self.headline


def rule(group: Group) -> str:
    """How the epoch was chosen, in words; every rule of the group's arms."""
    target = f"{group.task} {METRICS[group.metric].title}"
    names = {
        Rule.BEST_EPOCH: f"each seed's best epoch by valid {target}",
        Rule.FINAL_EPOCH: "the last epoch",
        Rule.ONE_EPOCH: "the first epoch",
    }
    used = dict.fromkeys(a.arm.select for a in group.arms)
    return " or ".join(names[Rule(select)] for select in used)


def answer(analysis: GroupAnalysis) -> Answer:
    """Does more than one epoch pay, with what, and is plain training safe."""
    group, rows, arms, lead = analysis.group, analysis.ranked, compared(analysis), lead_of(analysis)
    if lead is None:
        return Answer(NOTHING_YET, _why_not(group, asked=bool(analysis.plan.seeds)))
    digits, corrected = digits_for(rows), family(rows, "gain")
    sentences = [_lead(group, lead, digits, corrected), _better_at_once(arms, lead), _ties(analysis, arms, lead)]
    sentences += [_plain(analysis, lead, digits), _caveats(group)]
    gain = f"{show(lead.value('gain'), digits, signed=True)} {measured(group.task, group.metric)}"
    return Answer(_headline(analysis, lead), " ".join(s for s in sentences if s), gain if _pays(lead) else "")


def by_validation(row: ArmComparison) -> bool:
    """Whether the epoch at which an arm is read is the one that did best on valid."""
    return row.arm.arm.select == Rule.BEST_EPOCH


def lead_of(analysis: GroupAnalysis) -> ArmComparison | None:
    """The best arm that is shown to pay; where none is, the first of the ranking, if there is one of several seeds none
    of which is lost; None without an arm to compare."""
    arms = compared(analysis)
    several = (row for row in arms if (gain := row.value("gain")) and gain.n > 1 and not row.lost("gain"))
    return next(filter(_pays, arms), None) or next(several, arms[0] if arms else None)


def chance(row: ArmComparison, quantity: str) -> str:
    """What an interval that excludes zero does not show, once corrected: `could be chance (p = .058, corrected)`; empty
    of one that includes zero, where it is shown, and where seeds are lost."""
    found, p = row.value(quantity), row.p(quantity)
    if found is None or not found.sign or p is None or p < LEVEL:
        return ""
    return f"could be chance ({p_is(p)} corrected for {counted(row.contrasts[quantity].compared[0], 'arm')})"


def _headline(analysis: GroupAnalysis, lead: ArmComparison) -> str:
    group, gain = analysis.group, lead.value("gain")
    assert gain is not None
    if gain.n == 1:
        return "One seed: not settled"
    if group.epochs == 1:
        return "One epoch only: nothing to compare"
    if _pays(lead):
        open_ = ", and may without a mitigation" if _plain_is_ahead(analysis, lead) else ""
        return f"More than one epoch pays {_with(lead, group)}{open_}"
    further = lead.value("gain_after_own_first")
    if gain.sign > 0 and further is not None and further.sign > 0 and not lead.lost("gain"):
        return f"More than one epoch may pay {_with(lead, group)}: not settled"
    if lead.shown("gain") > 0:
        return f"{lead.arm.label} gains, but that it takes more than one epoch is not shown"
    return "More than one epoch is not shown to pay"


def _plain_is_ahead(analysis: GroupAnalysis, lead: ArmComparison) -> bool:
    """Whether plain training, stopped by validation, gains no less than the arm that is shown to pay, and not in its
    first epoch alone."""
    row, gain = analysis.plain, lead.value("gain")
    if row is None or row is lead or gain is None:
        return False
    plain, further = row.value("gain"), row.value("gain_after_own_first")
    return plain is not None and plain.mean >= gain.mean and further is not None and not further.identical


def _why_not(group: Group, *, asked: bool) -> str:
    """asked: whether the plan asks for reporting runs."""
    if not asked:
        return "The plan asks for no seed beside its trials."
    if group.baseline is None and PLAIN not in group.pending:
        return f"The plan has no strategy '{PLAIN}', so there is no one-epoch baseline to compare with."
    missing = "No arm has" if group.baseline and group.baseline.finished else "The one-epoch baseline has not"
    return f"{missing} finished a seed that can be compared."


def _with(row: ArmComparison, group: Group) -> str:
    return "without a mitigation" if row.arm is group.plain else f"with {row.arm.label}"


def _pays(row: ArmComparison) -> bool:
    """Its chosen epoch beats the baseline and its own first, both corrected for the number of arms."""
    return row.shown("gain") > 0 and row.shown("gain_after_own_first") > 0


def _lead(group: Group, row: ArmComparison, digits: int, arms: int) -> str:
    """arms: how many p is corrected for."""
    gain = row.value("gain")
    assert gain is not None
    if gain.identical:
        once = f"the first, which is {baseline_name(group)}"
        picks = "validation picks" if by_validation(row) else "the plan reads"
        return f"Of {counted(group.epochs, 'epoch')} {_with(row, group)}, {picks} {once}: nothing is gained."
    size = f"{show(gain, digits, signed=True)} {group.split} {measured(group.task, group.metric)}"
    size += "" if sign_of(group.metric) > 0 else " (positive is less)"
    sign = row.shown("gain")
    verb = {1: f"gains {size}", -1: f"loses {size}", 0: f"comes to {size}"}[sign]
    open_ = "" if gain.sign or gain.low is None else ", which includes no gain"
    if gain.sign and not row.lost("gain") and arms > 1:
        open_ = f" ({p_is(row.p('gain'))} corrected for {arms} arms)" if sign else f", which {chance(row, 'gain')}"
    stop = f", read at epoch {epochs_text(row.epochs)}" if row.epochs else ""
    further = row.value("gain_after_own_first")
    later = further is not None and not further.identical
    own = f", and {show(further, digits, signed=True)} over its own first epoch, at the same knobs" if later else ""
    if own and (open_own := chance(row, "gain_after_own_first")):
        own += f", which {open_own}"
    if gain.sign > 0 and not row.lost("gain") and set(row.epochs) == {1}:
        once = "one epoch at other knobs" if row.arm.arm.tuned else "its first epoch"
        own = f": a gain of {once}, not of further epochs"
    trained = f"{counted(group.epochs, 'epoch')} {_with(row, group)}"
    return f"Training {trained} {verb} over {baseline_name(group)}{stop}{open_}{own}."


def _better_at_once(arms: list[ArmComparison], lead: ArmComparison) -> str:
    """Arms ranked above the one that is shown to pay."""
    above = [spoken(row.arm.label) for row in arms[: arms.index(lead)]]
    return f"Ranked above it, but not shown to pay: {named(above)}." if above else ""


def _ties(analysis: GroupAnalysis, arms: list[ArmComparison], lead: ArmComparison) -> str:
    rest = [row for row in arms if row is not lead]
    found = [analysis.against(lead.arm, row.arm) for row in rest]
    p_values = holm([None if e is None else e.p_value for e in found])
    tied = [row.arm.label for row, p in zip(rest, p_values, strict=True) if p is not None and p >= LEVEL]
    also = [spoken(row.arm.label) for row in rest if _pays(row)]
    said = [f"Its difference to {named([spoken(label) for label in tied])} could be chance."] if tied else []
    if also:
        said.append(f"{named(also)} also {'pays' if len(also) == 1 else 'pay'}.")
    return " ".join(said)


def _plain(analysis: GroupAnalysis, lead: ArmComparison, digits: int) -> str:
    group, row = analysis.group, analysis.plain
    if row is None or group.epochs == 1:
        return ""
    end, gain = row.value("final_epoch_gain"), row.value("gain")
    if end is None or gain is None:
        return ""
    text = f"Plain training, trained to epoch {group.epochs}, ends {show(end, digits, signed=True)} from that baseline"
    lost = row.lost("final_epoch_gain")
    verdict = LOST if lost else _safety(analysis, row.shown("final_epoch_gain"), end.sign)
    size = show(gain, digits, signed=True) if gain.mean else "no gain"
    stopped = f" Validation would stop it at epoch {epochs_text(row.epochs)}, with {size}."
    return f"{text}: {verdict}.{stopped if row is not lead and by_validation(row) else ''}"


def _safety(analysis: GroupAnalysis, shown: int, sign: int) -> str:
    """Of plain training to the last epoch. shown: its sign, corrected for the number of arms. sign: before that."""
    if shown < 0:
        return "it is not safe"
    worse = _worse_logloss(analysis, surely=shown == 0)
    title = METRICS[analysis.group.metric].title
    if shown:
        said = f"its {title} alone would call it safe" if worse else "it is safe"
    elif sign:
        looks = "safe" if sign > 0 else "unsafe"
        said = f"it looks {looks}, which its {title} does not show once corrected for the number of arms"
    else:
        said = f"its {title} shows neither harm nor benefit" if worse else "neither harm nor benefit is shown"
    return f"{said}{', and' if sign < 0 else ', but'} its logloss is worse, {worse}" if worse else said


def _worse_logloss(analysis: GroupAnalysis, *, surely: bool) -> str:
    """By how much plain training, at its last epoch, has a logloss above the baseline's; empty where it has not.

    surely: only if that is shown after correction for the number of arms; else if the interval excludes zero. Nothing
    is said of a loss that leaves logits unknown but for a constant.
    """
    group, told = analysis.group, analysis.plan.train.loss == "logloss"
    found = analysis.compared(group.task, "logloss") if told and group.metric != "logloss" else []
    row = next((row for row in found if row.arm is group.plain), None)
    end = None if row is None else row.value("final_epoch_gain")
    if row is None or end is None or (row.shown("final_epoch_gain") if surely else end.sign) >= 0:
        return ""
    higher = replace(end, values=tuple(-value for value in end.values))
    return f"{show(higher, digits_for(found), signed=True)} nats"


def _caveats(group: Group) -> str:
    short = [f"{a.label} ({a.completeness})" for a in group.everything if len(a.finished) < len(a.runs)]
    untuned = [a.label for a in group.everything if not a.arm.tuned]
    failed = [spoken(a.label) for a in group.everything if _all_failed(a)]
    parts = [f"Every trial of its search failed: {listed(failed)}." if failed else ""]
    parts += [f"Incomplete: {listed(short)}." if short else ""]
    parts.append(f"Not run yet: {listed(list(group.pending))}." if group.pending else "")
    if len(untuned) == len(group.everything):
        parts.append("No arm was tuned.")
    elif untuned:
        parts.append(f"Untuned: {listed(untuned)}.")
    if group.split == "valid":
        parts.append("Values are of the split that chose the epoch, so gains are optimistic.")
    return " ".join(filter(None, parts))


def _all_failed(arm: ArmRuns) -> bool:
    """Whether nothing could be chosen for an arm, so that it has no run."""
    return bool(arm.arm.trials) and all(trial.value is None for trial in arm.arm.trials)
