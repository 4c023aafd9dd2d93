"""The critical-difference diagram: average ranks of arms, and which are not told apart."""

from __future__ import annotations

from functools import cache

from harness.analysis.ranks import Ranking
from harness.figures.svg import INK, canvas, to_svg

ROW_HEIGHT, FRAME_HEIGHT = 0.235, 0.85
"""In inches."""


@cache
def diagram(ranking: Ranking) -> str:
    """Average ranks as dots, one line an arm; bars join the arms that are not told apart."""
    count, worst = len(ranking.names), len(ranking.names)
    figure, axes = canvas(FRAME_HEIGHT + ROW_HEIGHT * (count + 1))
    lines = range(count)
    axes.hlines(lines, 1, ranking.ranks, color=INK, lw=0.5, alpha=0.25)
    axes.plot(ranking.ranks, lines, color=INK, ls="", marker="o", ms=5)
    step = 0.03 * (worst - 1)
    for i, (first, last) in enumerate(ranking.cliques):
        x = worst + step * (i + 1.5)
        axes.plot([x, x], [first - 0.2, last + 0.2], color=INK, lw=3.2, alpha=0.75, solid_capstyle="butt")
    if ranking.critical_difference is not None:
        width = min(ranking.critical_difference, worst - 1)
        axes.plot([1, 1 + width], [-1, -1], color=INK, lw=1.2, marker="|", ms=7)
        label = f"critical difference {ranking.critical_difference:.2f}"
        label += ", wider than the axis" if ranking.critical_difference > worst - 1 else ""
        axes.annotate(label, (1, -1), (0, 6), textcoords="offset points", fontsize=9, color=INK)
    axes.set_yticks(lines, ranking.names)
    axes.set_ylim(count - 0.5, -2 if ranking.critical_difference is not None else -0.5)
    axes.set_xlim(1 - 0.02 * (worst - 1), worst + step * (len(ranking.cliques) + 2))
    ticks = range(1, worst + 1, max(1, worst // 6))
    axes.set_xticks(ticks)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("average rank, 1 is best")
    title = "Average ranks" if ranking.critical_difference is None else "Critical-difference diagram: average ranks"
    return to_svg(figure, f"{title} over data sets and tasks")
