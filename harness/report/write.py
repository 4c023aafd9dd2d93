"""Write a report: tables, figures and one HTML page, from the records of plans."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from harness.figures.svg import standalone
from harness.report.analysis import load
from harness.report.analysis.ranks import rank_over_blocks
from harness.report.figures import curves
from harness.report.figures.arm_styles import looks
from harness.report.pages import page
from harness.report.tables import overall, printed
from harness.report.tables.certainty import DIFFERENCE
from harness.report.tables.numbers import numbers


def write_report(results: Path, plan_names: list[str] | None, difference: float = DIFFERENCE) -> Path:
    """Write `report.html` and `tables/` in a results folder, for the plans named or for all that were run there.

    difference: of the plan's metric; the report says how many seeds it would take to show it.

    Raises:
        UserError: no plan, or not this one, was ever run there.
    """
    comparisons = [load.load(results, name) for name in plan_names or load.plans(results)]
    folder = results / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    for comparison in comparisons:
        name = comparison.result.table
        drawable = [i for i, group in enumerate(comparison.groups) if any(arm.finished for arm in group.arms)]
        pictures = {i: f"{name}-{i + 1}.svg" for i in drawable}
        drawn = looks(comparison)
        for i, file in pictures.items():
            (folder / file).write_text(curves.published(comparison.groups[i], drawn[i]), encoding="utf-8")
        if (ranking := rank_over_blocks(comparison)) is not None:
            (folder / f"{name}-ranks.svg").write_text(standalone(overall.diagram(ranking)), encoding="utf-8")
        (folder / f"{name}.md").write_text(printed.markdown(comparison, pictures, difference), encoding="utf-8")
        everything = numbers(comparison)
        everything.write_csv(folder / f"{name}.csv")
        everything.write_parquet(folder / f"{name}.parquet")
    path = results / "report.html"
    path.write_text(page.render(comparisons, difference), encoding="utf-8")
    return path


def ranked_table(results: Path, plan_name: str) -> Table:
    """The ranked comparison of a plan for the terminal.

    Raises:
        UserError: the plan was never run in this results folder.
    """
    return printed.terminal(load.load(results, plan_name))
