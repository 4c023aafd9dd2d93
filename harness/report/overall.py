"""A plan's arms over all its data sets and tasks: a sentence, a table and a critical-difference diagram."""

from __future__ import annotations

from harness.report.drawing import INK, canvas, to_svg
from harness.report.grids import Cell, Column, Grid
from harness.report.inference import LEVEL
from harness.report.ranks import Ranking
from harness.report.text import METRIC_NAMES, listed, p_is

ROW_HEIGHT, FRAME_HEIGHT = 0.235, 0.85
"""Of the diagram, in inches."""


def summary(ranking: Ranking) -> str:
    """What the ranks say, and of what."""
    differ = ranking.p < LEVEL
    text = (
        f"Average rank of {len(ranking.names)} arms by gain in {METRIC_NAMES.get(ranking.metric, ranking.metric)} over "
        f"{len(ranking.blocks)} data sets and tasks. Friedman's test: "
        f"{'the arms differ' if differ else 'no difference between arms is shown'} "
        f"({p_is(ranking.p)}). Arms whose average ranks are less than "
        f"{ranking.critical_difference:.2f} apart are not told from each other (Nemenyi); bars join them."
    )
    data = len({block.rsplit(", ", 1)[0] for block in ranking.blocks})
    if data == 1:
        text += " All are tasks of one data set, and of the same runs: the test says nothing of other data."
    elif data < len(ranking.blocks):
        text += " Tasks of a data set share their runs, which makes differences look surer than they are."
    if ranking.left_out:
        text += f" Without a result in every block, and left out: {listed(list(ranking.left_out))}."
    return text


def table(ranking: Ranking) -> Grid:
    """Average ranks, best first."""
    columns = (Column("strategy", words=True), Column("average rank", f"of {len(ranking.names)}"))
    lines = ((Cell(name), Cell(f"{rank:.2f}")) for name, rank in zip(ranking.names, ranking.ranks, strict=True))
    return Grid(columns, tuple(lines))


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
    width = min(ranking.critical_difference, worst - 1)
    axes.plot([1, 1 + width], [-1, -1], color=INK, lw=1.2, marker="|", ms=7)
    label = f"critical difference {ranking.critical_difference:.2f}"
    axes.annotate(label, (1, -1), (0, 6), textcoords="offset points", fontsize=9, color=INK)
    axes.set_yticks(lines, ranking.names)
    axes.set_ylim(count - 0.5, -2)
    axes.set_xlim(1 - 0.02 * (worst - 1), worst + step * (len(ranking.cliques) + 2))
    ticks = range(1, worst + 1, max(1, worst // 6))
    axes.set_xticks(ticks)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("average rank, 1 is best")
    return to_svg(figure, "Critical-difference diagram: average ranks over data sets and tasks")
