"""A page of facts, as results/report/facts.md: every fact with its verdict, its claims, and a figure that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

from harness.analysis.estimates import Estimate, estimate
from harness.base.markdown import code, literal
from harness.base.words import counted
from harness.facts.expression import is_difference
from harness.facts.readings import Readings
from harness.facts.sheet import Fact, Sheet
from harness.facts.verdict import Finding, Measured
from harness.figures.axis import around
from harness.figures.chart import Chart, Named
from harness.figures.marks import Area, Line, Mark, between
from harness.figures.rules import epochs, epochs_axis
from harness.figures.style import DASHES, OKABE_ITO, Pen
from harness.figures.svg import standalone, to_svg
from harness.metrics import curves
from harness.report.format import show
from harness.report.tables.costs import machines_of

HOW = """
Run by `multiepoch facts`. Evidence: P read in a primary source, S a second-hand summary, A an abstract only, D computed
from P, I inferred.

{repetitions}
Values are means over seeds with 95 % Student-t intervals. A claim is reproduced if its mean lies where the criterion
wants it, and not reproduced if it lies elsewhere, provided that a t test tells the mean from the criterion's border (p
below .05, after Holm's correction for all claims of this page) and that every seed has the value; otherwise it is
inconclusive. A fact is reproduced if all its claims are, and not if any is not. Claims marked (added) ask more than the
literature says, at other rates, strengths and epochs, or why; a fact's verdict does not hang on them. Nothing is tuned:
a strategy has its defaults unless its expression says otherwise. Adam is lazy (`adam`: it steps the rows of the batch
alone) unless a strategy asks for the dense one of the literature (`adam_dense`: all rows at every step, as
torch.optim.Adam). AUC and loss are of the test split at the end of an epoch, and of a fixed sample of the validation
split within one.
"""
REPETITIONS = {
    "seeds": "Each seed starts from other weights, on the same data: intervals do not cover other data.",
    "draws": "Each seed has a draw of the data of its own, or a time origin of a log's, and starts from other weights.",
}


def markdown(sheet: Sheet, findings: Mapping[str, Finding]) -> str:
    """The page of all facts. findings: by name, of those that have been run."""
    how = HOW.format(repetitions=REPETITIONS[sheet.repetitions])
    head = f"# {sheet.title}\n\n{fill(literal(sheet.says), 120)}\n{how}"
    entries = [(fact, findings.get(fact.name)) for fact in sheet.facts]
    rows = ["| fact | says | in the literature | here, its first claim | verdict |", "| :-- | :-- | :-- | --: | :-- |"]
    for fact, found in entries:
        ours = "" if found is None else _value(found.measured[0])
        verdict = "not run" if found is None else f"{found.verdict} ({found.of_claims})"
        rows.append(
            f"| [{fact.name}](#{fact.name.lower()}) | {literal(fact.says)} | {_cited(fact)} | {ours} | {verdict} |"
        )
    runs = {key: run for _, found in entries if found for key, run in found.runs.items()}.values()
    seconds = sum(curves.seconds(record.cost) for run in runs for record in run.boundaries)
    foot = f"All runs together trained and evaluated for {seconds / 60:.0f} minutes of one core: "
    foot += literal(f"{machines_of(runs)}.")
    return "\n".join([head, *rows, "", foot, "", *(_section(sheet, fact, found) for fact, found in entries)])


def figure(found: Finding) -> str:
    """The fact's lines by epochs trained, mean and 95 % interval over seeds, as an SVG file.

    The frame holds what comes after half an epoch; the climb before that may leave it.
    """
    marks, named, settled = list[Mark](), list[Named](), list[float]()
    for i, (label, line) in enumerate(found.fact.figure.lines.items()):
        points = _points(found.readings, line)
        pen = Pen(OKABE_ITO[i % len(OKABE_ITO)], "", DASHES[i % len(DASHES)])
        spread = [(p, e.low, e.high) for p, e in points if e.low is not None and e.high is not None]
        if spread and len(spread) == len(points):
            marks.insert(0, Area(between(spread), pen.color, alpha=0.13))
        marks.append(Line([[(p, e.mean) for p, e in points]], pen.color, dash=pen.dash))
        named.append(Named(label, pen))
        settled += [end for p, e in points if p >= 0.5 for end in (e.low, e.high) if end is not None]
    last = max(found.readings.positions())
    y = around(fill(found.fact.figure.y, 40), settled, most=8)
    columns = 1 if max(map(len, found.fact.figure.lines)) > 28 else 2
    chart = Chart(epochs_axis(last), y, [*epochs(round(last), y), *marks], legend=named, columns=columns)
    return standalone(to_svg(chart, f"{found.fact.name}: {found.fact.says}"))


def _points(readings: Readings, line: str) -> list[tuple[float, Estimate]]:
    found = ((p, estimate(readings.by_seed(line, p).values())) for p in readings.positions())
    return [(p, value) for p, value in found if value is not None]


def _section(sheet: Sheet, fact: Fact, found: Finding | None) -> str:
    lines = [f"## {fact.name}", "", f"{literal(fact.says)} Literature: {_cited(fact)}", ""]
    lines += [f"On {_named(fact.datasets)}; {_named(fact.models)}; {_arms(fact)}.", ""]
    if found is None:
        return "\n".join([*lines, "Not run.", ""])
    lines += ["| claim | measure | holds if | here | verdict |", "| :-- | :-- | :-- | --: | :-- |"]
    for measured in found.measured:
        claim = measured.claim
        value = _value(measured)
        says = literal(f"(added) {claim.says}" if claim.added else claim.says)
        lines.append(f"| {says} | {code(claim.measure)} | {claim.holds} | {value} | {measured.verdict} |")
    return "\n".join([*lines, "", f"![{fact.name}]({sheet.stem}-{fact.name}.svg)", ""])


def _arms(fact: Fact) -> str:
    return ", ".join(
        literal(name) if name == strategy else f"{literal(name)}: {code(strategy)}"
        for name, strategy in fact.strategies.items()
    )


def _named(names: Sequence[str]) -> str:
    return literal(", ".join(names))


def _cited(fact: Fact) -> str:
    return literal(f"{fact.literature} [{fact.evidence}]")


def _value(measured: Measured) -> str:
    """With the number of seeds where some have none, of which nothing is claimed."""
    value = show(measured.value, 4, signed=is_difference(measured.claim.measure))
    have = measured.value.n if measured.value else 0
    return value if have == measured.seeds else f"{value} ({have} of {counted(measured.seeds, 'seed')})"
