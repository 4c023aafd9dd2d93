"""From a comparison to a verdict: is more than one epoch safe, with what, and how sure is that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.groups import spoken
from harness.diagnose import collapse, sentences
from harness.diagnose.collapse import Collapse, enough
from harness.diagnose.race import Race, race_of
from harness.diagnose.second_split import NOT_YET, SecondSplit
from harness.diagnose.subsample import Sampled
from harness.results.findings import Finding, Severity

VERSION = 1
"""Of what `verdict.json` holds."""


class State(StrEnum):
    """The answer in two words."""

    SAFE = "safe"
    SAFE_WITH = "safe with"
    STOP = "stop after one"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Audit:
    """One question and its answer. passed: None where it cannot be told, or is no question of passing."""

    id: str
    title: str
    passed: bool | None
    shown: str
    """The figure."""
    why: str


@dataclass(frozen=True)
class Verdict:
    """headline: the answer. lines: title -> sentence, what the first screen says. trusted: whether no check of the data
    said stop. complete: whether all that was planned was trained. falls: task -> what plain training does. lead: the
    mitigation to use; None: none is shown to help. race: which arms were repeated no further, and why.
    second: the same on another split. sampled: None where the whole log was trained on."""

    state: State
    headline: str
    lines: dict[str, str]
    audits: tuple[Audit, ...]
    trusted: bool
    complete: bool
    falls: dict[str, Collapse]
    lead: ArmComparison | None
    race: Race
    second: SecondSplit
    sampled: Sampled | None

    @property
    def answered(self) -> bool:
        """Whether it may be acted on: of a sample, whether that may be believed."""
        believed = self.sampled is None or self.sampled.ladder.believed
        return self.trusted and believed and self.state != State.CANNOT_TELL

    def rests_on(self, task: str) -> list[Collapse]:
        """What plain training does where it falls; where it falls nowhere, in the task that is selected by."""
        falling = [each for each in self.falls.values() if each.falls]
        return falling or [each for name, each in self.falls.items() if name == task]

    def parts(self, title: str) -> tuple[str, str]:
        """A line, and the command that it ends in, which is empty where there is none."""
        command = "" if self.lead is None else sentences.export_command(self.lead)
        said, found, _ = self.lines[title].partition(command) if command else (self.lines[title], "", "")
        return said.rstrip(), found


FIRST_OF_ALL = ("Data", "Next")
"""The lines to read first, and not in grey, where data are not to be trusted."""


def verdict_of(
    analysis: GroupAnalysis, rare: dict[str, float], smallest: float, complete: bool,
    second: SecondSplit = NOT_YET, sampled: Sampled | None = None,
) -> Verdict:  # fmt: skip
    """rare: field -> share of rare lookups, the largest first. smallest: the gain in AUC that test rows can tell.
    second: the same on another split. sampled: where only a part of the log was trained on."""
    group = analysis.group
    falls = {task: found for task in group.tasks if (found := collapse.of_task(analysis, task)) is not None}
    lead = leader(analysis)
    told = state_of(lead, falls, group.task)
    trusted = all(finding.severity != Severity.STOP for finding in group.findings)
    state = told if trusted else State.CANNOT_TELL
    race = race_of(analysis)
    said = sentences.lines(analysis, told.value, lead, falls, rare, smallest)
    unlike = sampled is not None and not sampled.ladder.believed
    more = "Give more time, as this sample may not speak for the whole log. " if trusted and unlike else ""
    last = {"Another split": second.text, "Next": f"{more}{said.pop('Next')}"}
    sample = {} if sampled is None else {"Sample": f"{sampled.text} {sampled.ladder.text}"}
    dropped = {"Dropped": race.why} if race.why else {}
    said = {**said, **sample, **dropped, **last}
    if not trusted:
        said = {title: said[title] for title in FIRST_OF_ALL} | said
    audits = (
        *_of_plain(falls), *_of_arms(analysis, lead), *_of_data(group.findings), *_of_other_data(second, sampled)
    )  # fmt: skip
    so_far = "" if complete or told == State.CANNOT_TELL else ", as far as it was trained"
    headline = f"{sentences.headline(analysis, told.value, lead, falls)}{_qualified(second, sampled)}{so_far}"
    if not trusted:
        headline = f"Not to be trusted before the data are looked at: {headline[0].lower()}{headline[1:]}"
    return Verdict(state, headline, said, audits, trusted, complete, falls, lead, race, second, sampled)


def leader(analysis: GroupAnalysis) -> ArmComparison | None:
    """The arm to use: the one with the largest gain over one tuned epoch of those where it is shown, and no task is
    shown to lose; first of those that are shown to gain over their own first epoch. Where one epoch at the knobs of
    plain training is shown to be better than the tuned one, an arm must be shown to be better than that too. None
    is plain training to the bit."""
    group, errors = analysis.group, analysis.sampling_errors(analysis.group.task, analysis.group.metric)
    rows = [row for row in analysis.ranked if not row.arm.is_baseline and row.shown("gain") > 0]
    rows = [row for row in rows if row.arm is group.plain or not row.arm.is_like(group.plain)]
    rows = [row for row in rows if not errors.untold(row.arm)]
    if (once := _better_once(rows, analysis)) is not None:
        rows = [row for row in rows if row is once or _ahead(analysis, row, once)]
    fit = [row for row in rows if enough(row.value("gain")) and not analysis.loses(row.arm)]
    return next((row for row in fit if row.shown("gain_after_own_first") > 0), fit[0] if fit else None)


def _better_once(rows: Sequence[ArmComparison], analysis: GroupAnalysis) -> ArmComparison | None:
    """Plain training, if it is among rows that are shown to gain over the tuned epoch, and read at its first."""
    return next((row for row in rows if row.arm is analysis.group.plain and set(row.epochs) == {1}), None)


def _ahead(analysis: GroupAnalysis, row: ArmComparison, once: ArmComparison) -> bool:
    """Whether an arm is shown to gain over that epoch."""
    found = analysis.against(row.arm, once.arm)
    return found is not None and found.sign > 0


def state_of(lead: ArmComparison | None, falls: Mapping[str, Collapse], task: str) -> State:
    """Whether plain training may go on; else with what; else whether to stop. task: that is selected by."""
    plain, any_falls = falls.get(task), any(each.falls for each in falls.values())
    if plain is not None and plain.harmless and not any_falls:
        return State.SAFE
    if lead is not None and lead.shown("gain_after_own_first") > 0:
        return State.SAFE_WITH
    return State.STOP if any_falls else State.CANNOT_TELL


def _of_plain(falls: Mapping[str, Collapse]) -> Iterator[Audit]:
    for task, found in falls.items():
        passed = False if found.falls else True if found.harmless else None
        yield Audit(f"collapse-{task}", f"Plain training, {task}", passed, found.shown, found.why)


def _of_arms(analysis: GroupAnalysis, lead: ArmComparison | None) -> Iterator[Audit]:
    for row in analysis.ranked:
        if not row.arm.is_baseline and (gain := row.value("gain")) is not None:
            passed = {1: True, -1: False, 0: None}[row.shown("gain") if enough(gain) else 0]
            why = "The one to use." if row is lead else sentences.of_gain(row)
            yield Audit(
                f"gain-{row.arm.label}", f"{spoken(row.arm.label)} over one epoch", passed, sentences.size(gain), why
            )


def _of_data(findings: Iterable[Finding]) -> Iterator[Audit]:
    for number, f in enumerate(findings, start=1):
        passed = f.severity != Severity.STOP
        yield Audit(f"data-{number}-{f.check}", f"Data: {f.check}", passed, f.severity, f"{f.seen} {f.advice}")


def _of_other_data(second: SecondSplit, sampled: Sampled | None) -> Iterator[Audit]:
    yield Audit("second-split", "Another split", second.holds, second.what or "not tried", second.text)
    if sampled is not None:
        believed = sampled.ladder.believed or None
        yield Audit("sample", "The sample speaks for the log", believed, sampled.what, sampled.ladder.text)


def _qualified(second: SecondSplit, sampled: Sampled | None) -> str:
    """What ends the headline."""
    doubt = "" if sampled is None or sampled.ladder.believed else " that may not speak for the log"
    return (", on a sample" + doubt if sampled else "") + (
        ", though not on another split" if second.holds is False else ""
    )
