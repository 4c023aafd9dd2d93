"""Write a report: tables, figures and HTML pages, from the records of plans."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from harness.analysis import load
from harness.analysis.analysis import Analysis
from harness.analysis.windows import by_window
from harness.base.errors import UserError
from harness.base.locks import waited
from harness.figures.svg import standalone
from harness.report.figures import curves, windows
from harness.report.figures.arm_styles import arm_styles
from harness.report.figures.ranks import diagram
from harness.report.pages import index, page
from harness.report.tables import printed
from harness.report.tables.certainty import DIFFERENCE
from harness.report.tables.numbers import numbers
from harness.results.plan_results import TABLES, page_of

LOG = logging.getLogger("multiepoch")


def analyse(results: Path, plan_name: str) -> Analysis:
    """A plan that was run in a results folder, read from its records.

    Raises:
        UserError: it was never run there.
    """
    return Analysis(load.load(results, plan_name))


def write_report(
    results: Path, plan_names: list[str] | None, difference: float = DIFFERENCE, known: Sequence[Analysis] = ()
) -> Path:
    """Write `report.html` and `report/` in a results folder, for the plans named or for all that were run there.

    `report.html` is the page of a plan, or leads to the pages of several, each of which is `report-<plan>.html`.
    difference: of the plan's metric; the report says how many seeds it would take to show it. known: what has been
    analysed already. Who writes it last has read what the others came to.

    Raises:
        UserError: no plan, or not this one, was ever run there.
    """
    with waited(results, "report"):
        return _write(results, plan_names, difference, known)


def _write(results: Path, plan_names: list[str] | None, difference: float, known: Sequence[Analysis]) -> Path:
    analyses = _with_tables(results, plan_names, difference, known)
    path = results / "report.html"
    pages = [page_of(results, analysis.comparison.result.name) for analysis in analyses]
    if len(analyses) == 1:
        pages[0].unlink(missing_ok=True)  # of another day, when the report had several plans
        path.write_text(page.render(analyses[0], difference), encoding="utf-8")
        return path
    for analysis, file in zip(analyses, pages, strict=True):
        file.write_text(page.render(analysis, difference, path.name), encoding="utf-8")
    ran = [(results / "plans" / f"{analysis.comparison.result.name}.json").stat().st_mtime for analysis in analyses]
    path.write_text(index.render(analyses, [file.name for file in pages], ran), encoding="utf-8")
    return path


def _with_tables(
    results: Path, plan_names: list[str] | None, difference: float, known: Sequence[Analysis]
) -> list[Analysis]:
    """Plans whose tables are written. One that nobody named and that is damaged is left out, with a warning.

    Raises:
        UserError: a plan that was named cannot be read, or none can.
    """
    analysed = {analysis.comparison.result.name: analysis for analysis in known}
    analysed |= {name: analyse(results, name) for name in plan_names or () if name not in analysed}
    names, folder, found = plan_names or load.plans(results), results / TABLES, list[Analysis]()
    folder.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(names):
        try:
            analysis = analysed.get(name) or analyse(results, name)
            _write_tables(analysis, folder, difference)
        except UserError as error:
            if plan_names:
                raise
            LOG.warning("the report leaves out what it cannot read: %s", error)
        else:
            found.append(analysis)
    if not found:
        raise UserError(f"no plan of results folder '{results}' can be read; the lines above say why")
    return found


def _write_tables(analysis: Analysis, folder: Path, difference: float) -> None:
    """The page of one plan as Markdown, its figures, and every number behind it."""
    name = analysis.comparison.result.table
    styles = arm_styles(analysis)
    pictures: dict[int, list[tuple[str, str]]] = {}
    for i, found in enumerate(analysis.groups):
        if any(arm.finished for arm in found.group.arms):
            drawn = {f"{name}-{i + 1}": ("by epoch", curves.published(found.group, styles[i]))}
            if by_window(found, last=False):
                drawn[f"{name}-{i + 1}-windows"] = ("gain by window", windows.published(found, styles[i]))
            for stem, (_, picture) in drawn.items():
                (folder / f"{stem}.svg").write_text(picture, encoding="utf-8")
            pictures[i] = [(f"{found.group.task} {what}", f"{stem}.svg") for stem, (what, _) in drawn.items()]
    if analysis.ranking is not None:
        (folder / f"{name}-ranks.svg").write_text(standalone(diagram(analysis.ranking)), encoding="utf-8")
    (folder / f"{name}.md").write_text(printed.markdown(analysis, pictures, difference), encoding="utf-8")
    everything = numbers(analysis)
    everything.write_csv(folder / f"{name}.csv")
    everything.write_parquet(folder / f"{name}.parquet")
