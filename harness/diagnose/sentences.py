"""A verdict in words: the lines of its first screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.estimates import Estimate
from harness.analysis.groups import spoken
from harness.diagnose.collapse import Collapse, enough, too_few
from harness.metrics.catalog import measured
from harness.report.format import baseline_name, epochs_text, listed, named, p_is, settings, show
from harness.report.tables.certainty import detectable
from harness.report.tables.costs import epoch_costs, median_of
from harness.results.findings import Severity
from harness.results.plan_results import PLAIN

DEFAULTS = 0
"""The trial of a search that has them."""
SEARCH = "the search of plain training"
EXPORTED = ("table_optimizer", "table_lr", "dense_lr")
"""Shared knobs that an export takes."""


def headline(analysis: GroupAnalysis, state: str, lead: ArmComparison | None, falls: Mapping[str, Collapse]) -> str:
    """The answer in one line."""
    epochs = analysis.group.epochs
    if state == "safe":
        return f"Safe: plain training may go on to epoch {epochs}"
    if state == "safe with" and lead is not None:
        with_what = spoken(lead.arm.label)
        if set(lead.epochs) == {epochs}:
            return f"Safe with {with_what} to epoch {epochs}, the last that was trained"
        return f"Safe with {with_what}, stopped at epoch {epochs_text(lead.epochs)}"
    if state == "stop after one":
        fallen = [task for task, each in falls.items() if each.falls]
        beside = "" if analysis.group.task in fallen else f": {listed(fallen)} {'fall' if len(fallen) > 1 else 'falls'}"
        return f"Stop after one epoch{beside}"
    return "Cannot tell yet"


def lines(
    analysis: GroupAnalysis, state: str, lead: ArmComparison | None, falls: Mapping[str, Collapse],
    rare: Mapping[str, float], smallest: float,
) -> dict[str, str]:  # fmt: skip
    """Title -> sentence."""
    return {
        "Plain training": " ".join(each.why for each in falls.values()) or "It was not repeated, so nothing is known.",
        "Use": _use(analysis, lead),
        "Do this first": _first(analysis, lead),
        "Cause": _cause(analysis, rare),
        "Data": _data(analysis),
        "Next": _next(analysis, state, lead, smallest),
    }


def size(gain: Estimate) -> str:
    """`+0.0044 [.0037, .0050]`."""
    return show(gain, 4, signed=True)


def of_gain(row: ArmComparison) -> str:
    """What is known of an arm's gain."""
    gain = row.value("gain")
    if gain is not None and gain.identical:
        return "Validation picks its first epoch, which is the reference."
    if row.lost("gain"):
        whose = "its seeds" if row.arm.failed else "the seeds of one epoch"
        return f"Some of {whose} failed, so nothing is claimed."
    if not enough(gain):
        return "It has too few seeds, so nothing is claimed."
    p = row.p("gain")
    corrected = "" if p is None else f" ({p_is(p)}, corrected for the arms compared)"
    known = {1: "It is shown to gain", -1: "It is shown to lose", 0: "Too close to call"}[row.shown("gain")]
    settled = f" Repeated no further: {row.arm.arm.settled}." if row.arm.stopped else ""
    return f"{known}{corrected}.{settled}"


def export_command(lead: ArmComparison) -> str:
    """The command that writes an arm, at its knobs, for code of one's own."""
    parts = lead.arm.label.split("+")
    own: dict[str, list[str]] = {part: [] for part in parts}
    options = []
    for name, value in lead.arm.arm.chosen.items():
        part, dot, knob = name.partition(".")
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        if dot and part in own:
            own[part].append(f"{knob}={text}" if not isinstance(value, str) else f"{knob}='{text}'")
        elif name in EXPORTED:
            options.append(f" --{name.replace('_', '-')} {text}")
    strategy = "+".join(f"{part}({', '.join(knobs)})" if knobs else part for part, knobs in own.items())
    return f'multiepoch export "{strategy}" --to torch{"".join(options)}'


def _use(analysis: GroupAnalysis, lead: ArmComparison | None) -> str:
    group = analysis.group
    if lead is None:
        return " ".join(["One epoch.", *_why_none(analysis)])
    gain, chosen = lead.value("gain"), lead.arm.arm.chosen
    assert gain is not None
    cost, once = _cost(analysis, lead), lead.arm is group.plain and set(lead.epochs) == {1}
    use = "One epoch of plain training at these knobs" if once else spoken(lead.arm.label)
    return (
        f"{use}: {size(gain)} test {measured(group.task, group.metric)} over {baseline_name(group)}, read "
        f"at epoch {epochs_text(lead.epochs)}{cost}. Knobs: {settings(chosen) or 'its defaults'}."
    )


def _why_none(analysis: GroupAnalysis) -> Iterator[str]:
    """What keeps each mitigation from being the one to use, a sentence for all alike."""
    group, later, rows = analysis.group, _not_compared(analysis), _mitigations(analysis)
    tried = {label: row for label, row in rows.items() if label not in later}
    gaining = [label for label, row in tried.items() if row.shown("gain") > 0]
    losing = [label for label in gaining if analysis.loses(tried[label].arm)]
    behind = [label for label in gaining if label not in losing]
    if idle := [label for label in tried if label not in gaining]:
        yield f"No mitigation is shown to gain over it: {named(idle)}."
    if losing:
        gains = f"Shown to gain in {measured(group.task, group.metric)}"
        yield f"{gains}, but also to lose in AUC or logloss of a label: {named(losing)}."
    if behind:
        yield f"Shown to gain, but not over one epoch at the knobs that {SEARCH} found: {named(behind)}."
    if later:
        yield f"Not compared yet: {named(later)}."


def _mitigations(analysis: GroupAnalysis) -> dict[str, ArmComparison]:
    return {row.arm.label: row for row in analysis.ranked if not row.arm.is_baseline and row.arm.label != PLAIN}


def _not_compared(analysis: GroupAnalysis) -> list[str]:
    """Mitigations of which fewer seeds were trained than a verdict takes."""
    rows = _mitigations(analysis).items()
    begun = [label for label, row in rows if not row.arm.failed and not enough(row.value("gain"))]
    return begun + [label for label in analysis.group.pending if label != PLAIN]


def _cost(analysis: GroupAnalysis, lead: ArmComparison) -> str:
    """How much longer its steps take than those of plain training."""
    clock, plain = f"train{analysis.group.clock}", analysis.group.plain
    if plain is None or lead.arm is plain:
        return ""
    own, base = (median_of(epoch_costs(arm), clock) for arm in (lead.arm, plain))
    if own is None or not base:
        return ""
    return f", at {own / base:.1f} times the training time of an epoch"


def _first(analysis: GroupAnalysis, lead: ArmComparison | None) -> str:
    """What one epoch gains by its knobs alone."""
    group, said = analysis.group, []
    baseline = group.baseline
    values = {} if baseline is None else {t.number: t.value for t in baseline.arm.trials if t.value is not None}
    if len(values) > 1 and (default := values.get(DEFAULTS)) is not None:
        best = max(values.values())
        what = f"{best - default:+.4f} valid {measured(group.task, group.metric)} over its defaults"
        said.append(
            f"Tune one epoch: {what}, without a second epoch; it overstates a little, as the same rows chose the knobs."
            if best > default
            else f"One epoch is best at its defaults, of {len(values)} trials."
        )
    plain = analysis.plain
    once = None if plain is None or set(plain.epochs) != {1} else plain.value("gain")
    if once is not None and plain is not None and once.sign > 0 and not plain.lost("gain"):
        gains = f"gains {size(once)} over the epoch that was tuned for it"
        said.append(f"One epoch at the knobs that {SEARCH} found {gains}.")
        if lead is not None and lead is not plain:
            over = analysis.against(lead.arm, plain.arm)
            said += [f"Over that, {lead.arm.label} gains {size(over)}."] if over else []
    further = None if lead is None else lead.value("gain_after_own_first")
    if lead is not None and further is not None and lead is not plain:
        if set(lead.epochs) == {1}:
            said.append(f"All of the gain of {lead.arm.label} is of one epoch at other knobs.")
        else:
            said.append(f"Over its own first epoch, at the same knobs, {lead.arm.label} gains {size(further)}.")
    return " ".join(said) or "Nothing was searched: give more time."


def _cause(analysis: GroupAnalysis, rare: Mapping[str, float]) -> str:
    """The bucket where plain training loses most, and the field with most rare ids."""
    plain, said = analysis.group.plain, ""
    gains = {} if plain is None else analysis.bucket_gains(plain, last=True)
    if gains:
        worst = min(gains, key=lambda name: gains[name].mean)
        if gains[worst].mean < 0:
            where = f"where the rarest id of an example was {_bucket(worst)}"
            alone = "" if analysis.group.draws > 1 else ", and its interval of other seeds alone"
            said = f"Plain training loses most, {size(gains[worst])}, {where}; this is of validation rows{alone}. "
    if not rare:
        return f"{said}There is no field of ids."
    field, share = next(iter(rare.items()))
    return f"{said}Of field '{field}', {share:.0%} of the training lookups go to ids seen fewer than 10 times."


def _bucket(name: str) -> str:
    """`seen 2 to 4 times in training`."""
    if name == "unseen":
        return "never seen in training"
    times = {"1": "once", "100-up": "100 times or more"}.get(name, f"{name.replace('-', ' to ')} times")
    return f"seen {times} in training"


def _data(analysis: GroupAnalysis) -> str:
    found = analysis.group.findings
    if not found:
        return "Nothing found that would mislead."
    stops = sum(finding.severity == Severity.STOP for finding in found)
    return f"{stops} to stop at, {len(found) - stops} to look at. " + " ".join(f.seen for f in found[:2])


def _next(analysis: GroupAnalysis, state: str, lead: ArmComparison | None, smallest: float) -> str:
    if any(finding.severity == Severity.STOP for finding in analysis.group.findings):
        return "Mend what the checks of the data found, in the schema beside this page, and run it again."
    if few := too_few(analysis.plan):
        return f"{few[0].upper()}{few[1:]}."
    if lead is not None and lead.arm is not analysis.group.plain:
        return f"Try it on fresh days, then take it out of here: {export_command(lead)}"
    if state == "safe":
        return "Train on while validation says so; a longer budget looks further."
    if state == "cannot tell" and analysis.group.once_failed:
        return "Look at why seeds of one epoch failed, as all is measured against it."
    if later := _not_compared(analysis):
        return f"Give the same command again: it goes on with {named(later)}."
    return _power(analysis, smallest)


def _power(analysis: GroupAnalysis, smallest: float) -> str:
    """The smallest gain that seeds and test rows together would show; before there are seeds, that test rows would."""
    seen, more = detectable(analysis), "to show smaller ones, give more rows, or more time"
    if seen is None:
        return f"These test rows can show a gain of about {smallest:.4f} or more; {more}."
    return f"This comparison would show a gain of about {seen:.4f} four times in five; {more}."
