"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report import details, figures
from harness.report.drawing import Style, styles
from harness.report.grids import Grid, by_task, ranked
from harness.report.load import Comparison, Group
from harness.report.stats import rows
from harness.report.tables import HOW_TO_READ
from harness.report.text import NOTHING, Answer, answer, baseline_name, rule


@dataclass(frozen=True)
class Section:
    """What the page shows of one group. legend: label and style of each arm; curves: task -> figures."""

    group: Group
    answer: Answer
    rule: str
    baseline: str
    ranked: Grid
    by_task: Grid
    legend: list[tuple[str, Style]]
    curves: dict[str, list[str]]
    buckets: list[tuple[str, str]]
    costs: Grid
    knobs: Grid
    failures: Grid
    runs: Grid


def render(comparisons: Sequence[Comparison]) -> str:
    """The whole page; every name in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"typeset": typeset, "breakable": breakable}
    plans = [(c, [_section(g) for g in c.groups], details.environments(c)) for c in comparisons]
    arms = max((len(g.arms) for c in comparisons for g in c.groups), default=0)
    return environment.get_template("report.html").render(
        plans=plans, arms=arms, how_to_read=HOW_TO_READ, plan_toml=details.plan_toml
    )


def typeset(text: str) -> str:
    """True minus signs and dashes, and intervals that do not break across lines."""
    if text == NOTHING:
        return "\u2013"
    text = re.sub(r"(?<![\w.)])-(?=[.\d])", "\u2212", text).replace(" - ", " \u2212 ")
    return re.sub(r"(\S+) \[([\d.\u2212]+), ([\d.\u2212]+)\]", "\\1\u00a0[\\2,\u00a0\\3]", text)


def breakable(text: str) -> Markup:
    """A long name that may break at its joints."""
    return Markup(re.sub("([_+(])", r"\1<wbr>", str(escape(text))))


def _section(group: Group) -> Section:
    found = rows(group, group.task, group.metric)
    metrics = tuple(dict.fromkeys((group.metric, "logloss" if group.metric == "auc" else "auc")))
    return Section(
        group=group,
        answer=answer(group, found),
        rule=rule(group),
        baseline=baseline_name(group),
        ranked=ranked(group),
        by_task=by_task(group),
        legend=[(arm.label, style) for arm, style in zip(group.arms, styles(group), strict=True)],
        curves={task: [figures.curves(group, task, metric) for metric in metrics] for task in _tasks(group)},
        buckets=[
            (title, figures.buckets(group, group.task, group.metric, last=last))
            for title, last in (("At the chosen epoch", False), (f"After epoch {group.epochs}", True))
            if group.tasks
        ],
        costs=details.costs(group),
        knobs=details.knobs(group),
        failures=details.failures(group),
        runs=details.run_list(group),
    )


def _tasks(group: Group) -> list[str]:
    """The plan's task first."""
    return sorted(group.tasks, key=lambda task: task != group.task)
