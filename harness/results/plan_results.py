"""What a plan has come to, as `results/plans/<plan>.json`: its arms, their trials, and which runs make them up."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.base.errors import UserError, unknown
from harness.base.files import write_json
from harness.base.names import FILE_NAME
from harness.results.findings import Finding, finding
from harness.results.keys import ArmId, ArmRole

INPUTS = "inputs"
"""The frames, schemas and strategies that calls from Python were given."""
TABLES = "report"
"""Pages, figures and numbers of plans. Those that the repository publishes are a copy, which no run changes."""
FOLDERS = (".locks", "checkpoints", "data", "descriptions", INPUTS, "launches", "plans", "runs", "states", TABLES)
"""Of a results folder."""
PLAIN = "none"
"""The strategy that mitigates nothing, of which one epoch is the baseline."""


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    params: the searched values. value: what was selected by; None: failed. page: where Optuna's dashboard shows it, to
    put behind the dashboard's address.
    """

    number: int
    key: str
    seed: int
    params: dict[str, Any]
    value: float | None
    page: str = field(default="", compare=False)


@dataclass(frozen=True)
class Arm:
    """One row of the comparison: a data set, a model and a strategy, trained with several seeds."""

    dataset: str
    """Its label."""
    model: str
    """Its label."""
    strategy: str
    """As the plan writes it."""
    role: ArmRole
    task: str
    """The one that the plan selects by."""
    select: str
    """The rule that chose among trials, and chooses the epoch."""
    tuned: bool
    chosen: dict[str, Any]
    """The searched values of the winner; empty if nothing was searched."""
    trials: tuple[Trial, ...]
    runs: dict[int, str]
    """Seed -> key of every reporting run, finished or not."""
    settled: str = ""
    """Why it was repeated no further, where an always-valid test said so."""
    tied: tuple[dict[str, Any], ...] = ()
    """Searched values that came as near to the winner as the plan calls a tie."""

    @property
    def id(self) -> ArmId:
        return ArmId(self.dataset, self.model, self.strategy if self.role == ArmRole.ARM else self.role)

    @property
    def keys(self) -> set[str]:
        """Of all its runs and trials."""
        return {*self.runs.values(), *(trial.key for trial in self.trials)}

    def searched(self, turn: int) -> dict[str, Any]:
        """What the reporting run of this turn, counted from 0, is trained with: runs go through all winners."""
        return (self.chosen, *self.tied)[turn % (1 + len(self.tied))]


@dataclass(frozen=True)
class PlanResult:
    """What a plan has come to so far. plan: its full TOML as a dictionary. complete: every run is done.

    findings: label of a data set -> what would mislead who trains on it. data: label -> key of the built data.
    about: strategy as the plan writes it -> name of each of its parts -> what that does, its source, and its knobs.
    """

    name: str
    plan: dict[str, Any]
    arms: tuple[Arm, ...]
    complete: bool
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    about: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """What the files of its tables begin with."""
        return str(self.plan.get("table") or self.name)


def page_of(results: Path, plan: str) -> Path:
    """The page of a plan in a report of several; a report of one is `report.html`."""
    return results / f"report-{plan}.html"


def state_file(results: Path, key: str) -> Path:
    """Where a run leaves its last state, if it is asked to."""
    return results / "states" / f"{key}.pt"


def ensure_usable(results: Path, plan: str) -> None:
    """Refuse a results folder where a file stands for a folder or a folder for a file, before any work.

    Raises:
        UserError: it does.
    """
    for path in (results / name for name in FOLDERS):
        if path.exists() and not path.is_dir():
            raise UserError(f"'{path}' is a file; accepted: a folder, or nothing yet")
    for path in (results / "report.html", page_of(results, plan), results / "plans" / f"{plan}.json"):
        if path.is_dir():
            raise UserError(f"'{path}' is a folder; accepted: a file, or nothing yet")


def write_plan_result(results: Path, result: PlanResult) -> None:
    (results / "plans").mkdir(parents=True, exist_ok=True)
    write_json(results / "plans" / f"{result.name}.json", dataclasses.asdict(result))


def read_plan_result(results: Path, name: str) -> PlanResult:
    """Raises:
    UserError: the plan was never run here, or its file is not what was once written.
    """
    path = results / "plans" / f"{name}.json"
    if not path.exists():
        raise unknown("plan", name, [p.stem for p in path.parent.glob("*.json")], f"results folder '{results}'")
    try:
        value = json.loads(path.read_text())
        arms = tuple(_arm(**arm) for arm in value["arms"])
        findings = {name: tuple(finding(**f) for f in found) for name, found in value.get("findings", {}).items()}
        for text in (value["name"], value["plan"].get("table") or name):
            if not re.match(FILE_NAME, text):
                raise ValueError(f"{text!r} is no name of a file")
        if value["name"] != name:
            raise ValueError(f"it is of plan '{value['name']}'")
        data = {label: str(key) for label, key in value.get("data", {}).items()}
        about = {arm: {str(k): str(v) for k, v in parts.items()} for arm, parts in value.get("about", {}).items()}
        return PlanResult(value["name"], value["plan"], arms, value["complete"], findings, data, about)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"'{path}' is damaged, or of another version: {type(error).__name__}: {error}; run the plan again, which "
            "trains only what is missing, or delete the file"
        ) from error


def _arm(
    role: str, trials: list[dict[str, Any]], runs: dict[str, str], tied: Sequence[dict[str, Any]] = (), **rest: Any
) -> Arm:
    return Arm(
        **rest,
        tied=tuple(tied),
        role=ArmRole(role),
        trials=tuple(Trial(**t) for t in trials),
        runs={int(seed): key for seed, key in runs.items()},
    )
