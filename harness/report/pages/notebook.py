"""A comparison as a piece of HTML, small enough for the cell of a notebook."""

from __future__ import annotations

from harness.analysis.analysis import Analysis
from harness.report.cautions import cautions
from harness.report.pages.answer import answer
from harness.report.pages.templates import templates
from harness.report.tables.grids import ranked


def fragment(analysis: Analysis) -> str:
    """Answer, ranked table and cautions of every group; every name in it is escaped."""
    sections = [(each.group.name, answer(each), ranked(each).brief, cautions(each)) for each in analysis.groups]
    return templates().get_template("notebook.html").render(sections=sections)
