"""The report of a plan as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.analysis.groups import Group
from harness.analysis.load import Comparison
from harness.report.cautions import cautions
from harness.report.figures import curves, points
from harness.report.figures import windows as window_figures
from harness.report.figures.arm_styles import ArmStyle, arm_styles
from harness.report.figures.ranks import diagram
from harness.report.format import baseline_name
from harness.report.pages.answer import Answer, answer, rule
from harness.report.pages.described import Described, describe
from harness.report.pages.first_screen import Fact, facts
from harness.report.pages.templates import templates
from harness.report.tables import costs, details, new_data, overall
from harness.report.tables.certainty import DIFFERENCE, certainty, sensitivity
from harness.report.tables.grids import Grid, by_task, in_rank, ranked
from harness.report.tables.printed import HOW_TO_READ
from harness.report.tables.windows import windows
from harness.results.keys import MetricKey

COSTS = {
    "seconds of training up to the chosen epoch": costs.seconds_to_chosen,
    "1000 rows of the embedding table": costs.table_rows,
    "MiB of embedding table and its optimiser": costs.table_size,
}


Titled = tuple[str, str]
"""A figure behind its title, which is empty where its axis says as much."""


@dataclass(frozen=True)
class Section:
    """What the page shows of one group.

    glance: the figure of the first screen; empty without a finished run. legend: index and look of each arm, those that
    stand out first. curves: task -> figures. health: calibration and, where it is known, regret by epoch.
    against_baseline, against_none: how sure the differences are.
    """

    group: Group
    answer: Answer
    facts: list[Fact]
    glance: str
    cautions: list[str]
    rule: str
    baseline: str
    ranked: Grid
    by_task: Grid
    legend: list[tuple[int, ArmStyle]]
    curves: dict[str, list[Titled]]
    by_window: list[Titled]
    windows: Grid
    health: list[Titled]
    buckets: list[Titled]
    sensitivity: str
    against_baseline: Grid
    against_none: Grid
    cost_figures: list[Titled]
    costs: Grid
    knobs: Grid
    failures: Grid
    runs: Grid


@dataclass(frozen=True)
class Chapter:
    """What the page shows of one plan. overall: the ranks over data sets and tasks, as words, table and figure.

    new_data: what the gains say of a data set that is not in the plan, as a line, words and table. data: what each data
    set looks like, as far as that was kept.
    """

    comparison: Comparison
    sections: list[Section]
    new_data: tuple[str, str, Grid] | None
    overall: tuple[str, Grid, str] | None
    environments: list[tuple[str, str]]
    data: list[Described]


def render(analysis: Analysis, difference: float = DIFFERENCE, index: str = "") -> str:
    """The whole page; every name in it is escaped.

    difference: the one whose price in seeds is given. index: the page of all plans, where there is one.
    """
    chapter, arms = _chapter(analysis, difference), max((len(each.group.arms) for each in analysis.groups), default=0)
    page = templates().get_template("report.html")
    return page.render(chapter=chapter, arms=arms, index=index, how_to_read=HOW_TO_READ, plan_toml=details.plan_toml)


def _chapter(analysis: Analysis, difference: float) -> Chapter:
    comparison, ranking = analysis.comparison, analysis.ranking
    return Chapter(
        comparison=comparison,
        sections=list(map(_section, analysis.groups, arm_styles(analysis), repeat(difference))),
        new_data=_new_data(analysis, difference) if analysis.pooled else None,
        overall=(overall.summary(ranking), overall.table(ranking), diagram(ranking)) if ranking else None,
        environments=details.environments(comparison),
        data=list(map(describe, comparison.descriptions)),
    )


def _new_data(analysis: Analysis, difference: float) -> tuple[str, str, Grid]:
    return new_data.brief(analysis), new_data.sentence(analysis), new_data.table(analysis, difference)


def _section(analysis: GroupAnalysis, styles: Sequence[ArmStyle], difference: float) -> Section:
    group = analysis.group
    metrics = tuple(dict.fromkeys((group.metric, "logloss" if group.metric == "auc" else "auc")))
    by_window = windows(analysis)
    return Section(
        group=group,
        answer=answer(analysis),
        facts=facts(analysis),
        glance=curves.at_a_glance(group, styles) if group.tasks else "",
        cautions=cautions(analysis),
        rule=rule(group),
        baseline=baseline_name(group),
        ranked=ranked(analysis),
        by_task=by_task(analysis),
        legend=sorted(enumerate(styles), key=lambda item: not item[1].highlighted),
        curves={task: _untitled(curves.curves(group, task, m, styles) for m in metrics) for task in _tasks(group)},
        by_window=[
            (title, window_figures.gains(analysis, styles, last=last))
            for title, last in (("At the chosen epoch", False), (f"Trained to epoch {group.epochs}", True))
            if by_window.lines
        ],
        windows=by_window,
        health=_health(group, styles),
        buckets=[
            (title, points.buckets(analysis, styles, last=last))
            for title, last in (("At the chosen epoch", False), (f"After epoch {group.epochs}", True))
            if group.tasks
        ],
        sensitivity=sensitivity(analysis, difference),
        against_baseline=certainty(analysis, against_none=False, difference=difference),
        against_none=certainty(analysis, against_none=True, difference=difference),
        cost_figures=_untitled(
            points.gain_against_cost(analysis, styles, cost, label) for label, cost in COSTS.items() if group.tasks
        ),
        costs=in_rank(costs.costs(analysis), analysis),
        knobs=in_rank(details.knobs(group), analysis),
        failures=details.failures(group),
        runs=details.run_list(group),
    )


def _untitled(figures: Iterable[str]) -> list[Titled]:
    return [("", figure) for figure in figures]


def _health(group: Group, styles: Sequence[ArmStyle]) -> list[Titled]:
    """Figures of what was recorded; regret is on synthetic data alone."""
    runs = [run for arm in group.arms for run in arm.finished.values()]
    recorded = {name for run in runs for end in run.boundaries for name in end.metrics}
    figures = []
    if MetricKey("valid", "calibration", group.task) in recorded:
        figures.append(("Calibration", points.calibration(group, styles)))
    if MetricKey("sample", "regret", group.task) in recorded:
        figures.append(("Regret against the oracle", curves.curves(group, group.task, "regret", styles)))
    return figures


def _tasks(group: Group) -> list[str]:
    """The plan's task first."""
    return sorted(group.tasks, key=lambda task: task != group.task)
