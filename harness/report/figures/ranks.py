"""The critical-difference diagram: average ranks of arms, and which are not told apart."""

from __future__ import annotations

from functools import cache

from harness.analysis.ranks import Ranking
from harness.figures.axis import Axis
from harness.figures.chart import Chart, Note
from harness.figures.marks import Dots, Line, Mark, spans
from harness.figures.style import CIRCLE
from harness.figures.svg import to_svg

ROW_HEIGHT, FRAME_HEIGHT = 17.0, 61.0
"""In points."""


@cache
def diagram(ranking: Ranking) -> str:
    """Average ranks as dots, one line an arm; bars join the arms that are not told apart."""
    worst = len(ranking.names)
    tested, step = ranking.critical_difference is not None, 0.03 * (worst - 1)
    marks: list[Mark] = [Line([[(1, i), (rank, i)] for i, rank in enumerate(ranking.ranks)], width=0.5, alpha=0.25)]
    marks.append(Dots([(rank, i) for i, rank in enumerate(ranking.ranks)], CIRCLE))
    for i, (first, last) in enumerate(ranking.cliques):
        marks.append(Line(spans([(worst + step * (i + 1.5), first - 0.2, last + 0.2)]), width=3.2, alpha=0.75))
    notes = []
    if ranking.critical_difference is not None:
        end = 1 + min(ranking.critical_difference, worst - 1)
        marks.append(Line([[(1, -1), (end, -1)], *spans([(1, -1.2, -0.8), (end, -1.2, -0.8)])], width=1.2))
        label = f"critical difference {ranking.critical_difference:.2f}"
        label += ", wider than the axis" if ranking.critical_difference > worst - 1 else ""
        notes.append(Note((1, -1), label, rise=6))
    ticks = [(rank, str(rank)) for rank in range(1, worst + 1, max(1, worst // 6))]
    x = Axis("average rank, 1 is best", 1 - 0.02 * (worst - 1), worst + step * (len(ranking.cliques) + 2), ticks)
    y = Axis("", worst - 0.5, -2.0 if tested else -0.5, list(enumerate(ranking.names)), ticked=False)
    title = f"{'Critical-difference diagram: average' if tested else 'Average'} ranks over data sets and tasks"
    return to_svg(Chart(x, y, marks, notes, room=FRAME_HEIGHT + ROW_HEIGHT * (worst + 1)), title)
