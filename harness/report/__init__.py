"""From records to statistics, tables, figures and one HTML page. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

__all__ = ["ranked_table", "write_report"]


def write_report(results: Path, plan_names: list[str] | None) -> Path:
    """Write `report.html` and `tables/` in a results folder, for the plans named or for all that were run there.

    Raises:
        UserError: no plan, or not this one, was ever run there.
    """
    from harness.report import figures, page, tables
    from harness.report.load import load, plans

    comparisons = [load(results, name) for name in plan_names or plans(results)]
    folder = results / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    for comparison in comparisons:
        name = comparison.outcome.name
        pictures = {f"{name}-{i}.svg": figures.published(g) for i, g in enumerate(comparison.groups, 1) if g.tasks}
        for file, picture in pictures.items():
            (folder / file).write_text(picture)
        (folder / f"{name}.md").write_text(tables.markdown(comparison, list(pictures)))
        tables.write_csv(comparison, folder / f"{name}.csv")
    path = results / "report.html"
    path.write_text(page.render(comparisons))
    return path


def ranked_table(results: Path, plan_name: str) -> Table:
    """The ranked comparison of a plan for the terminal.

    Raises:
        UserError: the plan was never run in this results folder.
    """
    from harness.report.load import load
    from harness.report.tables import terminal

    return terminal(load(results, plan_name))
