"""Views of an experiment's page, one for the arms of each data set and model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from harness.base.places import page_command
from harness.experiment.plan import Plan, labels
from harness.results.keys import ArmRole
from harness.results.plan_results import Arm
from harness.tracking.mlflow.store import Store


def name(dataset: str, model: str) -> str:
    """What a view is called in an address."""
    return re.sub(r"[^\w.-]", "_", f"{dataset}-{model}")


def state(arm: Arm, plan: Plan, values: Mapping[str, float]) -> dict[str, Any]:
    """The view that an arm is in, the largest gain first: a state of the UI's page, as it saves its views.

    values: the arm's summary, which tells what tasks there are. The plan's own task is shown, or else the first.
    """
    tasks = [key.removeprefix("valid/auc_peak/") for key in values if key.startswith("valid/auc_peak/")]
    task = plan.search.task or next(iter(tasks), "")
    kinds = ("gain", "peak", "peak_epoch", "last", "peak_minus_last")
    columns = [*(f"metrics.`valid/auc_{kind}/{task}`" for kind in kinds), "metrics.`seeds`"]
    shown = {"role": ArmRole.ARM, "dataset": arm.dataset, "model": arm.model}
    return {
        "searchFilter": " and ".join(f"tags.`multiepoch.{tag}` = '{value}'" for tag, value in shown.items()),
        "orderByKey": columns[0],
        "orderByAsc": False,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": {column: 6 * len(column) for column in columns},
        "runsHiddenMode": "FIRST_20_RUNS",
    }


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
