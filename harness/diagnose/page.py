"""A verdict as one HTML page that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.analysis import Analysis
from harness.base.files import write_text
from harness.diagnose.verdict import FIRST_OF_ALL, Verdict
from harness.report.cautions import cautions
from harness.report.figures.arm_styles import arm_styles
from harness.report.figures.curves import curves
from harness.report.format import baseline_name
from harness.report.pages.answer import rule
from harness.report.pages.templates import templates
from harness.report.tables.costs import costs, spent
from harness.report.tables.details import knobs
from harness.report.tables.grids import in_rank, ranked
from harness.report.tables.printed import HOW_TO_READ


def write(verdict: Verdict, analysis: Analysis, planned: str, path: Path) -> None:
    """planned: the comparison in a line."""
    (found,) = analysis.groups
    styles = arm_styles(analysis)[0]
    page = templates().get_template("verdict.html")
    text = page.render(
        verdict=verdict,
        believed=tuple(verdict.lines) if verdict.trusted else FIRST_OF_ALL,
        group=found.group,
        figures=[curves(found.group, task, "auc", styles) for task in found.group.tasks],
        legend=[style for _, style in sorted(enumerate(styles), key=lambda pair: not pair[1].highlighted)],
        ranked=ranked(found),
        knobs=in_rank(knobs(found.group), found),
        costs=in_rank(costs(found), found),
        cautions=cautions(found),
        rule=rule(found.group),
        baseline=baseline_name(found.group),
        how_to_read=HOW_TO_READ,
        planned=planned,
        spent=spent(analysis.comparison),
    )
    write_text(path, text)
