"""Views of an experiment's page, one for the arms of each data set and model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from harness.base.places import page_command
from harness.experiment.plan import Plan, labels
from harness.metrics.catalog import METRICS
from harness.results.keys import ArmRole, MetricKey
from harness.tracking.mlflow import points
from harness.tracking.mlflow.arm_summary import ArmSummary, name_of
from harness.tracking.mlflow.store import Store

LINE = {
    "useGlobalXaxisKey": False,
    "useGlobalLineSmoothing": True,
    "lineSmoothness": 0,
    "scaleType": "linear",
    "xAxisScaleType": "linear",
    "yAxisKey": "metric",
    "range": {},
}
"""How the page draws a curve, in its own words."""
MOST = 19_000
"""Letters of a state; MLflow takes 20,000 in the tag that holds it beside its title."""
BY_STEP = {"xAxisKey": "step", "selectedXAxisMetricKey": ""}
"""Which is the epoch, of all that is evaluated at its end."""
BY_EPOCHS = {"xAxisKey": "metric", "selectedXAxisMetricKey": points.EPOCHS}


def name(dataset: str, model: str) -> str:
    """What a view is called in an address."""
    return re.sub(r"[^\w.-]", "_", f"{dataset}-{model}")


def fitting(summary: ArmSummary) -> dict[str, Any]:
    """The state of as many tasks, from the first on, as MLflow keeps; the page draws the others by itself."""
    tasks = len(summary.tasks)
    while tasks > 1 and len(json.dumps(json.dumps(state(summary, tasks)))) > MOST:
        tasks -= 1
    return state(summary, tasks)


def state(summary: ArmSummary, tasks: int) -> dict[str, Any]:
    """The view that an arm is in: a state of the UI's page, as it saves its views. tasks: so many have charts.

    As a table, the largest gain first. As charts, a section per task above those that the page draws by itself, two
    side by side, as three have no room for their names on a screen of 1,280 pixels.
    """
    arm = summary.arm
    gain, level = (name_of(summary.split, summary.metric, kind, arm.task) for kind in ("gain", "best"))
    shown_metrics = (gain, f"{gain} low", f"{gain} high", f"{gain} p", level, "chosen_epoch", "seeds")
    columns = [f"metrics.`{name}`" for name in shown_metrics]
    shown = {"role": ArmRole.ARM, "dataset": arm.dataset, "model": arm.model}
    title = METRICS[summary.metric].title
    return {
        "searchFilter": " and ".join(f"tags.`multiepoch.{tag}` = '{value}'" for tag, value in shown.items()),
        "orderByKey": columns[0],
        "orderByAsc": False,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": {column: 6 * len(column) for column in columns},
        "runsHiddenMode": "FIRST_20_RUNS",
        "isAccordionReordered": True,
        "compareRunSections": [
            {"uuid": f"row {task}", "name": f"{task} {title}", "display": True, "isReordered": True, "columns": 2}
            for task in summary.tasks[:tasks]
        ],
        "compareRunCharts": [chart for task in summary.tasks[:tasks] for chart in _row(summary, task)],
    }


def _row(summary: ArmSummary, task: str) -> list[dict[str, Any]]:
    """The charts of a task: the curve by epoch, the gain, the curve within epochs."""
    split, metric = summary.split, summary.metric
    charts: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("LINE", points.name_of(MetricKey("valid", metric, task)), LINE | BY_STEP),
        ("BAR", name_of(split, metric, "gain", task), {}),
        ("LINE", points.name_of(MetricKey("sample", metric, task)), LINE | BY_EPOCHS),
    )
    return [
        {
            "type": kind,
            "uuid": f"{task} {name}",
            "metricSectionId": f"row {task}",
            "metricKey": name,
            "isGenerated": True,
            "deleted": False,
            "runsCountToCompare": 20,
        }
        | drawn
        for kind, name, drawn in charts
    ]


def lines(store: Store, plan: Plan, results: Path) -> list[str]:
    """What tells a person where the views of a plan are, and which command serves them if no server does."""
    serve = f"            {page_command('ui', results)}, then" if store.is_local else ""
    return [f"MLflow{serve}", *of_plan(plan, store.shared)]


def of_plan(plan: Plan, shared: Callable[..., str]) -> list[str]:
    """The views of a plan. shared: as of Store."""
    out = []
    for dataset, model in product(labels(plan.datasets), labels(plan.models)):
        view = name(dataset, model)
        out.append(f"  {dataset} / {model}")
        out.append(f"    curves        {shared(view, charts=True)}")
        out.append(f"    table         {shared(view, charts=False)}")
    return out
