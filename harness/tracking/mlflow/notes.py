"""What MLflow says in words of a plan, an arm and a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.results.keys import ArmRole
from harness.results.plan_results import Arm
from harness.tracking.mlflow.points import Member

DASHBOARD = "http://127.0.0.1:8080"
"""Where `make dashboard` serves the studies."""
GAIN = (
    "`valid/auc_gain/<task>`, the multi-epoch gain, is the peak minus the AUC after one *tuned* epoch of `none`, "
    "paired by seed, on the **validation** split; the gain in the report is on the **test** split."
)


def plan(about: Mapping[str, Any]) -> str:
    """Of an experiment. about: the plan as a dictionary."""
    return f"""{about.get("description", "")}

A run per arm, below it a run per seed and per trial of its search. The menu **Views** has one of the arms of each data
set and model: as a table, the largest gain first, and as charts (second button above the list) of the curves by task.
With arms selected, Compare sets their knobs and all their numbers side by side. {GAIN} The run `report` holds the
report and its tables.

Every run's tag `multiepoch.key` names its records, `runs/<key>` in the results folder.""".lstrip()


def arm(arm: Arm, about: Mapping[str, Any], values: Mapping[str, float]) -> str:
    """Of an arm. values: its summary."""
    search = about.get("search", {})
    metric = f"valid/{search.get('metric', 'auc')}/{search.get('task') or 'the first task'}"
    chosen = ", ".join(f"`{name} = {_short(value)}`" for name, value in sorted(arm.chosen.items()))
    tuned = (
        f"Chosen by `{arm.select}` of {metric} among {_count(len(arm.trials), 'trial')}: {chosen}."
        if chosen
        else "Untuned."
    )
    failed = f", {values['seeds_failed']:.0f} more failed or missing" if values["seeds_failed"] else ""
    what = "one tuned epoch of `none`, the baseline" if arm.role == ArmRole.ONE_EPOCH else f"`{arm.strategy}`"
    return f"""{what} on {arm.dataset}, {arm.model}: means over {_count(values["seeds"], "seed")}{failed}.

{tuned} {GAIN}"""


def view(dataset: str, model: str) -> str:
    """What the view of the arms of a data set and model is called in an address."""
    return re.sub(r"[^\w.-]", "_", f"{dataset}-{model}")


def state(arm: Arm, about: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """That view, the largest gain first: a state of the UI's page, as it saves its views.

    arm: one of the arms. values: its summary, for the tasks that there are; the plan's own is shown.
    """
    tasks = [name.removeprefix("valid/auc_peak/") for name in values if name.startswith("valid/auc_peak/")]
    task = about.get("search", {}).get("task") or next(iter(tasks), "")
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


def run(member: Member, where: str) -> str:
    """Of a seed or trial. where: what its arm is called."""
    trial = f" It is [this trial]({DASHBOARD}/{member.page}) in Optuna's dashboard (`make dashboard`)."
    return f"""{member.role} {member.number} of {where}.{trial if member.page else ""}

Its records are `runs/{member.key}` in the results folder."""


def report(name: str) -> str:
    """Of the run that holds the report. name: of the plan."""
    return (
        f"The report of plan {name}: see the artifacts. Its numbers are of the test split wherever the plan reads it."
    )


def _count(number: float, what: str) -> str:
    return f"{number:.0f} {what}" if number == 1 else f"{number:.0f} {what}s"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
