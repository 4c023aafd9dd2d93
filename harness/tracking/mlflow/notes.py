"""What MLflow says in words of a plan, an arm and a run."""

from __future__ import annotations

from urllib.parse import quote

from harness.base.addresses import DASHBOARD
from harness.base.markdown import code, literal
from harness.base.plugin import shown
from harness.base.words import counted
from harness.experiment.plan import Plan
from harness.results.keys import ArmRole
from harness.results.plan_results import Arm
from harness.tracking.members import Member
from harness.tracking.mlflow.arm_summary import ArmSummary

GAIN = (
    "The multi-epoch gain, `auc_gain/<task>`, is how much better the AUC is at the chosen epoch than after one *tuned* "
    "epoch of `none`, paired by seed: `low` and `high` are the ends of its 95 % interval, `p` is corrected for the "
    "number of arms, and left out where seeds failed. These are the numbers of the report, of the **test** split where "
    "the plan reads it, else of valid."
)
NAMES = (
    "Of the other metrics, `best` is read at the chosen epoch and `last` at the last; `second_epoch_change` is epoch 2 "
    "minus epoch 1; `logloss_boundary_jump` is the logloss at the first evaluation of epoch 2 minus that at the end of "
    "epoch 1. `system/` has the costs of an epoch: `_s` in seconds, `_cpu_s` in CPU seconds, `_mb` in MiB."
)


def plan(plan: Plan) -> str:
    """Of an experiment."""
    return f"""{literal(plan.description)}

A run per arm, below it a run per seed and per trial of its search. The menu **Views** has one of the arms of each data
set and model: as a table, the largest gain first, and as charts (second button above the list), a row per task: its
curve on valid by epoch (the step), its gain, and its curve on a sample of valid within epochs.
With arms selected, Compare sets their knobs and all their numbers side by side. {GAIN} The run `report` holds the
report and its tables.

Every run's tag `multiepoch.key` names its records, `runs/<key>` in the results folder.""".lstrip()


def arm(summary: ArmSummary, plan: Plan) -> str:
    """Of an arm."""
    arm, values = summary.arm, summary.values
    metric = literal(f"valid/{plan.search.metric}/{arm.task}")
    chosen = ", ".join(code(f"{name} = {shown(value)}") for name, value in sorted(arm.chosen.items()))
    beyond = ", all of which the search of `none` beat" if summary.of_none else ""
    tuned = (
        f"Chosen by `{arm.select}` of {metric} among {counted(len(arm.trials), 'trial')}{beyond}: {chosen}.{_tied(arm)}"
        if chosen
        else "Untuned."
    )
    failed = f", {values['seeds_failed']:.0f} more failed or missing" if values["seeds_failed"] else ""
    what = "one tuned epoch of `none`, the baseline" if arm.role == ArmRole.ONE_EPOCH else code(arm.strategy)
    where = literal(f"{arm.dataset}, {arm.model}")
    return f"""{what} on {where}: means over {counted(int(values["seeds"]), "seed")}{failed}.

{tuned} {GAIN}

{NAMES}"""


def _tied(arm: Arm) -> str:
    return f" Tied with it: {counted(len(arm.tied), 'other')}; seeds take turns among all." if arm.tied else ""


def run(member: Member, where: str) -> str:
    """Of a seed or trial. where: what its arm is called."""
    page = f"{DASHBOARD.url}/{quote(member.page, safe='/?=')}"
    trial = f" It is [this trial]({page}) in Optuna's dashboard (`multiepoch dashboard`)."
    return f"""{member.role} {member.number} of {literal(where)}.{trial if member.page else ""}

Its records are {code(f"runs/{member.key}")} in the results folder."""


def report(name: str) -> str:
    """Of the run that holds the report. name: of the plan."""
    return f"The report of plan {literal(name)}: see the artifacts."
